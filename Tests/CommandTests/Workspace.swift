import Foundation
import Testing

/// A folder of a test's own, gone with the value.
final class Workspace {
  let url = FileManager.default.temporaryDirectory.appending(path: "strata-tests-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Runs `strata` in the folder.
  func strata(_ arguments: String...) throws -> StrataProcess { try StrataProcess(arguments, in: url) }

  func write(_ text: String, to name: String) throws {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func data(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

  func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
    try JSONDecoder().decode(type, from: try data(name))
  }

  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.appending(path: folder).path).sorted()
  }

  /// The repository that these tests are compiled from.
  static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    .standardizedFileURL
}

/// A net of two layers on the built-in digits, a second to train.
let digitsSpec = """
  strata: 1
  name: small
  data: {source: digits, augment: {pad-crop: 1}, limit: {train: 192, test: 100}}
  network: {family: vgg, widths: [8, 16], head: gap}
  downsampling: {kind: max-pool, before: [2]}
  auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
  training: {strategy: parallel, epochs: 2, batch: 50}

  """
