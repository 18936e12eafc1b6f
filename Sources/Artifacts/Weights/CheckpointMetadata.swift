internal import Execution
internal import GraphIR
internal import Planning

/// The texts in the header of a checkpoint. Every number has a fixed width, so that the size of a checkpoint is known before
/// there is one.
enum CheckpointMetadata {
  static let schema = "strata.checkpoint/1"

  enum Key {
    static let schema = "schema"
    static let specSHA256 = "spec-sha256"
    static let layoutSHA256 = "layout-sha256"
    static let dataFingerprint = "data-fingerprint"
    static let arithmetic = "arithmetic"
    static let stage = "stage"
    static let epoch = "epoch"
    static let step = "step"
    static let sums = "sums"
    static let epochSeconds = "epoch-seconds-bits"
    static let metricsLines = "metrics-lines"
    static let metricsHash = "metrics-hash"
    static let seconds = "seconds-bits"
    static let trainingSeconds = "training-seconds-bits"
    static let trainedImages = "trained-images"
    static let layout = "layout"
    static let tensorHashes = "tensor-hashes"
    static let headerHash = "header-hash"
  }

  /// What the numbers of a tensor stand for: for readers of the file, who find names but flat shapes.
  private static let layout =
    "as in the arena: convolutions kernel height, kernel width, in, out; linear out, height, width, in"
  /// Of longer descriptions of OpenBLAS, of one after the other, the end stays.
  private static let arithmeticByteCount = 240

  // MARK: - Writing

  static func texts(_ checkpoint: Checkpoint, tensorHashes: [UInt64], headerHash: UInt64) -> [String: String]
  {
    let position = checkpoint.position
    let totals = checkpoint.totals
    return [
      Key.schema: schema,
      Key.specSHA256: checkpoint.identity.specSHA256,
      Key.layoutSHA256: checkpoint.identity.layoutSHA256,
      Key.dataFingerprint: checkpoint.identity.dataFingerprint,
      Key.arithmetic: cut(checkpoint.arithmetic),
      Key.stage: decimal(position.stage), Key.epoch: decimal(position.epoch),
      Key.step: decimal(position.step),
      Key.sums: position.sums.map(text).joined(separator: ","),
      Key.epochSeconds: bits(position.seconds),
      Key.metricsLines: decimal(checkpoint.metrics.lineCount),
      Key.metricsHash: hexadecimal(checkpoint.metrics.hash),
      Key.seconds: bits(totals.seconds), Key.trainingSeconds: bits(totals.trainingSeconds),
      Key.trainedImages: decimal(totals.trainedImages),
      Key.layout: layout,
      Key.tensorHashes: tensorHashes.map(hexadecimal).joined(),
      Key.headerHash: hexadecimal(headerHash),
    ]
  }

  /// A checkpoint of the stage with the longest texts that one can have.
  static func longest(of stage: StagePlan) -> Checkpoint {
    let hash = String(repeating: "0", count: 64)
    let sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    return Checkpoint(
      identity: RunIdentity(specSHA256: hash, layoutSHA256: hash, dataFingerprint: hash),
      position: RunPosition(stage: stage.index, epoch: 1, sums: sums),
      metrics: MetricsMark(lineCount: 0, hash: 0), totals: RunTotals(),
      arithmetic: String(repeating: "x", count: arithmeticByteCount))
  }

  /// As a header has it.
  static func cut(_ text: String) -> String {
    // Quotes and backslashes would take two bytes, letters beyond ASCII more.
    let plain = text.unicodeScalars.filter { (" "..."~").contains($0) && $0 != "\"" && $0 != "\\" }
    return String(plain.suffix(arithmeticByteCount).map { Character($0) })
  }

  /// Module, loss bits, counts of right first and first five guesses, images.
  private static func text(_ sum: MetricSums) -> String {
    [
      decimal(sum.module), bits(sum.loss), decimal(sum.top1Count), decimal(sum.top5Count),
      decimal(sum.imageCount),
    ].joined(separator: " ")
  }

  private static func decimal(_ number: Int) -> String { padded("\(number)", to: 19) }
  private static func bits(_ number: Double) -> String { hexadecimal(number.bitPattern) }
  static func hexadecimal(_ word: UInt64) -> String { padded(String(word, radix: 16), to: 16) }

  private static func padded(_ text: String, to count: Int) -> String {
    String(repeating: "0", count: count - text.utf8.count) + text
  }
}

// MARK: - Reading

extension CheckpointMetadata {
  /// Texts that are not what a checkpoint writes.
  struct Fault: Error {
    var reason: String
  }

  static func checkpoint(_ texts: [String: String]) throws(Fault) -> Checkpoint {
    func text(_ key: String) throws(Fault) -> String {
      guard let text = texts[key] else { throw Fault(reason: "its header has no '\(key)'") }
      return text
    }
    func natural(_ key: String) throws(Fault) -> Int { try naturalNumber(text(key), key) }
    func seconds(_ key: String) throws(Fault) -> Double {
      let number = Double(bitPattern: try word(text(key), key))
      guard number >= 0, number.isFinite else { throw Fault(reason: "'\(key)' is no time") }
      return number
    }
    var sums: [MetricSums] = []
    for part in try text(Key.sums).split(separator: ",") { sums.append(try metricSums(part)) }
    var totals = RunTotals()
    totals.seconds = try seconds(Key.seconds)
    totals.trainingSeconds = try seconds(Key.trainingSeconds)
    totals.trainedImages = try natural(Key.trainedImages)
    return Checkpoint(
      identity: RunIdentity(
        specSHA256: try text(Key.specSHA256), layoutSHA256: try text(Key.layoutSHA256),
        dataFingerprint: try text(Key.dataFingerprint)),
      position: RunPosition(
        stage: try natural(Key.stage), epoch: try natural(Key.epoch), step: try natural(Key.step), sums: sums,
        seconds: try seconds(Key.epochSeconds)),
      metrics: MetricsMark(
        lineCount: try natural(Key.metricsLines), hash: try word(text(Key.metricsHash), Key.metricsHash)),
      totals: totals, arithmetic: try text(Key.arithmetic))
  }

  /// One a tensor, in the order of their bytes.
  static func tensorHashes(_ texts: [String: String], count: Int) throws(Fault) -> [UInt64] {
    let digits = Array((texts[Key.tensorHashes] ?? "").utf8)
    guard digits.count == 16 * count else { throw Fault(reason: "not a checksum for each tensor") }
    var hashes: [UInt64] = []
    for start in stride(from: 0, to: digits.count, by: 16) {
      hashes.append(
        try word(String(decoding: digits[start..<start + 16], as: UTF8.self), Key.tensorHashes))
    }
    return hashes
  }

  private static func metricSums(_ text: Substring) throws(Fault) -> MetricSums {
    let parts = text.split(separator: " ")
    guard parts.count == 5 else { throw Fault(reason: "'\(Key.sums)' has \(parts.count) parts, expected 5") }
    func natural(_ index: Int) throws(Fault) -> Int { try naturalNumber(String(parts[index]), Key.sums) }
    return MetricSums(
      module: try natural(0), loss: Double(bitPattern: try word(String(parts[1]), Key.sums)),
      top1Count: try natural(2), top5Count: try natural(3), imageCount: try natural(4))
  }

  private static func naturalNumber(_ text: String, _ key: String) throws(Fault) -> Int {
    guard let number = Int(text), number >= 0 else { throw Fault(reason: "'\(key)' is no whole number") }
    return number
  }

  private static func word(_ text: String, _ key: String) throws(Fault) -> UInt64 {
    guard text.utf8.count == 16, let word = UInt64(text, radix: 16) else {
      throw Fault(reason: "'\(key)' is no word of 64 bits")
    }
    return word
  }
}
