import Foundation
import Testing

/// Small float images of four classes in NumPy's format.
struct NumPyFiles {
  static let (trainCount, testCount, size) = (96, 32, 3 * 8 * 8)

  var train = images(trainCount, seed: 1)
  var test = images(testCount, seed: 2)
  var trainLabels = (0..<trainCount).map { UInt8($0 % 4) }
  var testLabels = (0..<testCount).map { UInt8($0 % 4) }

  /// A pattern a class, with noise; numbers from -2 to 2.
  private static func images(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count * size).map { place in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise = Float(Int64(bitPattern: state) >> 40) / 8_388_608
      return noise + ((place / size % 4) == (place / 48 % 4) ? 1 : -1)
    }
  }

  /// Number `place` of a training image.
  subscript(train image: Int, place: Int) -> Float {
    get { train[image * Self.size + place] }
    set { train[image * Self.size + place] = newValue }
  }

  subscript(test image: Int, place: Int) -> Float {
    get { test[image * Self.size + place] }
    set { test[image * Self.size + place] = newValue }
  }

  func write(to workspace: Workspace, _ folder: String = "data") throws {
    for (name, images, labels) in [("train", train, trainLabels), ("test", test, testLabels)] {
      let bytes = images.withUnsafeBytes { Array($0) }
      try workspace.write(
        Self.array("<f4", "\(labels.count), 3, 8, 8", bytes), to: "\(folder)/\(name)_images.npy")
      try workspace.write(Self.array("|u1", "\(labels.count),", labels), to: "\(folder)/\(name)_labels.npy")
    }
  }

  /// A `.npy` file with 128 bytes before its numbers.
  static func array(_ type: String, _ shape: String, _ bytes: [UInt8]) -> [UInt8] {
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
    header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8) + bytes
  }

  /// A net of two layers on them.
  static func spec(training: String = "epochs: 3, batch: 16", network: String = "", data: String = "")
    -> String
  {
    """
    strata: 1
    name: arrays
    data: {source: npy, path: data\(data)}
    network: {family: vgg, input: 3x8x8, classes: 4, widths: [6, 6], head: linear\(network)}
    training: {\(training)}

    """
  }
}

extension Workspace {
  /// The one that a refusal names: images stay in their files with it.
  func smallestBudget(_ spec: String) throws -> String {
    let refused = try strata("plan", spec, "--budget", "1MiB")
    let named = try #require(
      refused.diagnostics.firstMatch(of: /--budget ([0-9]+)B/), "\(refused.diagnostics)")
    return "\(named.1)B"
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try write("", to: name)
    try Data(bytes).write(to: url.appending(path: name))
  }
}
