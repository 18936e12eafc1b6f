import Base
import Datasets
import Foundation
import Glibc
import Testing

/// A folder that is deleted with its files.
final class TemporaryFolder {
  let path: String

  init() {
    path =
      FileManager.default.temporaryDirectory.appending(path: "strata-datasets-\(UUID().uuidString)").path
    precondition(mkdir(path, 0o700) == 0)
  }

  deinit {
    if let entries = opendir(path) {
      while let entry = readdir(entries) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        unlink("\(path)/\(name)")
      }
      closedir(entries)
    }
    rmdir(path)
  }

  /// Writes `parts` at their offsets; the file then measures `byteCount` (with holes that read as zeros) or ends where
  /// the last part does.
  func write(_ name: String, _ parts: [(offset: Int, bytes: [UInt8])], byteCount: Int? = nil) {
    let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(file >= 0)
    for part in parts {
      precondition(pwrite(file, part.bytes, part.bytes.count, part.offset) == part.bytes.count)
    }
    if let byteCount { precondition(ftruncate(file, byteCount) == 0) }
    close(file)
  }

  func write(_ name: String, _ bytes: [UInt8]) { write(name, [(0, bytes)]) }
}

/// Bytes that look random, the same every time.
func noiseBytes(_ count: Int, seed: UInt64) -> [UInt8] {
  let random = CounterRandom(seed: seed, purpose: .simulatedDelays)
  return (0..<count).map { UInt8(truncatingIfNeeded: random.uint32(at: $0)) }
}

func bigEndian(_ number: Int) -> [UInt8] {
  (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
}

/// A `.npy` file of format version 1 as NumPy writes it.
func npy(type: String, shape: [Int], data: [UInt8], order: String = "False") -> [UInt8] {
  let sizes = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
  return npy(header: "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(sizes)), }", data: data)
}

func npy(header: String, data: [UInt8]) -> [UInt8] {
  var text = header
  while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
  text += "\n"
  let length = text.utf8.count
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
    + data
}

func littleEndianBytes<Number>(_ numbers: [Number]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }

/// The fault that `body` throws, or nil.
func datasetError(_ body: () throws(DatasetError) -> Void) -> DatasetError? {
  do throws(DatasetError) {
    try body()
    return nil
  } catch {
    return error
  }
}

extension ImagePreparer {
  /// One image, `[height, width, channels]`, and its label.
  func image(_ split: DatasetSplit, _ index: Int, epoch: Int? = nil) -> (numbers: [Float], label: Int32) {
    var numbers = [Float](repeating: .nan, count: dataset.imageShape.elementCount)
    let label = numbers.withUnsafeMutableBufferPointer {
      prepare(split, index: index, epoch: epoch, into: $0)
    }
    return (numbers, label)
  }
}

func removeFile(_ path: String) -> Bool { unlink(path) == 0 }

/// The case of an error, with the offset where there is one.
func kind(_ error: DatasetError) -> String {
  switch error {
  case .missingFile: "missingFile"
  case .cannotRead: "cannotRead"
  case .wrongSize: "wrongSize"
  case .wrongContent(_, let offset, _, _): "wrongContent@\(offset)"
  case .labelOutOfRange(_, let offset, _, _): "labelOutOfRange@\(offset)"
  case .otherFormat(_, _, let found, _): "otherFormat: \(found)"
  case .notFinite(_, let offset, let split, let index, _): "notFinite@\(offset) \(split) \(index)"
  case .changed(_, let split, let index): "changed \(split) \(index)"
  case .mismatch: "mismatch"
  case .image(_, let fault): "image \(fault)"
  case .outOfMemory: "outOfMemory"
  case .several(let errors): errors.map(kind).joined(separator: " ")
  }
}

/// The bytes of a file that must be refused, and the `kind` of the fault.
struct FaultyFile: Sendable, CustomTestStringConvertible {
  let expected: String
  let bytes: [UInt8]

  init(_ expected: String, _ bytes: [UInt8]) {
    self.expected = expected
    self.bytes = bytes
  }

  var testDescription: String { "\(bytes.count) bytes, \(expected)" }
}

/// The largest resident set this process ever had (VmHWM), in bytes.
func peakByteCount() throws -> Int {
  let file = try #require(fopen("/proc/self/status", "r"))
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, 256, file) != nil {
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if text.hasPrefix("VmHWM:") { return try #require(Int(text.filter(\.isNumber))) * 1_024 }
  }
  throw CancellationError()
}
