package import Base
package import Execution
internal import Glibc

/// A file of scalars for TensorBoard: TFRecords of `Event` messages
/// (https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto), a point an epoch. It is only
/// ever appended to, and each process begins another one, as TensorBoard expects.
package struct EventFile: Sendable {
  package let path: String

  /// Begins a file in a folder, under a name that no other process takes.
  package init(in folder: String, at time: ClockTime = .now) throws(FileError) {
    let host = hostName().filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    let stem = "\(folder)/events.out.tfevents.\(time.seconds).\(host).\(getpid())"
    var number = 0
    while unsafe access("\(stem).\(number)", F_OK) == 0 { number += 1 }
    path = "\(stem).\(number)"
    let file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
    var event = ProtobufWriter()
    event.double(1, Double(time.seconds))
    event.text(3, "brain.Event:2")
    try Self.write(event.bytes, to: file)
  }

  /// Length, its checksum, data, their checksum.
  private static func write(_ data: [UInt8], to file: borrowing FileDescriptor) throws(FileError) {
    func word(_ value: UInt64, bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }
    let length = word(UInt64(data.count), bytes: 8)
    let record =
      length + word(UInt64(CRC32C.masked(length)), bytes: 4) + data
      + word(UInt64(CRC32C.masked(data)), bytes: 4)
    try unsafe file.write(record.span.bytes)
  }

  /// Scalars of one epoch; what is no number is left out, as a curve has no point there.
  package func append(
    _ scalars: [(tag: String, value: Double)], epoch: Int, at time: ClockTime = .now
  ) throws(FileError) {
    let file = try FileDescriptor(path: path, flags: O_WRONLY | O_APPEND)
    for (tag, value) in scalars where value.isFinite {
      var event = ProtobufWriter()
      event.double(1, Double(time.seconds))
      event.integer(2, epoch)
      event.message(5) { summary in
        summary.message(1) { entry in
          entry.text(1, tag)
          entry.float(2, Float(value))
        }
      }
      try Self.write(event.bytes, to: file)
    }
  }

  /// What a module comes to in an epoch.
  package func append(_ figures: EpochFigures, learningRate: Double?) throws(FileError) {
    let place = "\(figures.split.rawValue)/module \(figures.module)"
    var scalars = [("loss/\(place)", figures.loss), ("top1/\(place)", figures.top1)]
    if let learningRate { scalars.append(("learning rate/module \(figures.module)", learningRate)) }
    if let ensemble = figures.ensemble {
      scalars += [
        ("loss/test/ensemble to module \(ensemble.module)", ensemble.meanLoss),
        ("top1/test/ensemble to module \(ensemble.module)", ensemble.top1),
      ]
    }
    try append(scalars, epoch: figures.epoch)
  }

  /// The same of a run's metrics, as they were kept.
  package func append(_ line: MetricsLine) throws(FileError) {
    guard let figures = EpochFigures(line) else { return }
    try append(figures, learningRate: nil)
    guard let ensemble = line.ensembleTop1 else { return }
    try append([("top1/test/ensemble to module \(line.module)", ensemble)], epoch: line.epoch)
  }
}
