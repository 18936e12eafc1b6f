import Artifacts
import Foundation
import TestSupport
import Testing

/// A safetensors file as another program writes it: tensors of any type, by their bytes.
struct ForeignTensor {
  var name, type: String
  var shape: [Int]
  var bytes: [UInt8]

  init(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) {
    (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
  }

  /// - Parameter numbers: little-endian words of the type.
  init<Word: FixedWidthInteger>(_ name: String, _ type: String, _ numbers: [Word]) {
    self.init(
      name, type, [numbers.count], numbers.flatMap { word in withUnsafeBytes(of: word) { Array($0) } })
  }

  static func file(_ tensors: [ForeignTensor]) -> [UInt8] {
    var (offset, entries) = (0, [String]())
    for tensor in tensors {
      let end = offset + tensor.bytes.count
      entries.append(
        #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(offset),\#(end)]}"#
      )
      offset = end
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    return withUnsafeBytes(of: UInt64(header.count)) { Array($0) } + header + tensors.flatMap(\.bytes)
  }
}

@Suite("Numbers of other types in stored weights") struct StoredElementTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder(inMemory: true)
  }

  private func facts(_ tensors: [ForeignTensor]) throws -> [String: [Float]] {
    try folder.write(ForeignTensor.file(tensors), to: "w.safetensors")
    let reader = try SafetensorsReader(path: folder.path + "/w.safetensors", acceptsOtherTypes: true)
    var found: [String: [Float]] = [:]
    for (index, tensor) in reader.tensors.enumerated() where tensor.type.isReadable {
      var numbers = [Float](repeating: -1, count: tensor.elementCount)
      var span = numbers.mutableSpan
      try reader.read(index, into: &span)
      found[tensor.name] = numbers
    }
    return found
  }

  @Test("F16 and BF16 are converted exactly")
  func halves() throws {
    let found = try facts([
      // 1, -2, the smallest subnormal, the largest, a third.
      ForeignTensor("h", "F16", [0x3C00, 0xC000, 0x0001, 0x7BFF, 0x3555] as [UInt16]),
      ForeignTensor("b", "BF16", [0x3F80, 0xC000, 0x0001, 0x7F7F, 0x3EAB] as [UInt16]),
    ])
    #expect(found["h"] == [1, -2, 0x1p-24, 65504, 0.333251953125])
    #expect(found["b"] == [1, -2, Float(bitPattern: 0x10000), Float(bitPattern: 0x7F7F_0000), 0.333984375])
  }

  @Test("F64 goes to the nearest float, ties to the even one")
  func doubles() throws {
    let numbers: [Double] = [
      1, 0.1, 1 + 0x1p-24, 1 + 0x3p-24, 1 + 0x1.000002p-24, -0x1p-149, 0x1p-150, 0x1.fffffep127,
      0x1.fffffe8p127,
    ]
    let found = try facts([ForeignTensor("d", "F64", numbers.map(\.bitPattern))])
    #expect(
      found["d"] == [
        1, Float(0.1), 1, 1 + 0x1p-22, 1 + 0x1p-23, -0x1p-149, 0, .greatestFiniteMagnitude,
        .greatestFiniteMagnitude,
      ])
  }

  @Test("any part of a long tensor is where it should be")
  func parts() throws {
    let count = 70_000
    try folder.write(
      ForeignTensor.file([
        ForeignTensor("a", "F16", [0x3C00] as [UInt16]),
        ForeignTensor("d", "F64", (0..<count).map { Double($0).bitPattern }),
      ]), to: "w.safetensors")
    let reader = try SafetensorsReader(path: folder.path + "/w.safetensors", acceptsOtherTypes: true)
    var numbers = [Float](repeating: -1, count: 3)
    var span = numbers.mutableSpan
    try reader.read(1, from: count - 3, into: &span)
    #expect(numbers == [69_997, 69_998, 69_999])
    let stored = try StartFile.facts(of: folder.path + "/w.safetensors")
    #expect(stored.notFinite == [] && stored.tooLarge == [])
  }

  @Test("counts of batches are left out; other integers are named by their type; too large is not infinite")
  func kinds() throws {
    try folder.write(
      ForeignTensor.file([
        ForeignTensor("layers.1.batch_norm.num_batches_tracked", "I64", [7] as [UInt64]),
        ForeignTensor("layers.1.conv.weight", "I8", [1, 2] as [UInt8]),
        ForeignTensor("layers.1.conv.bias", "F4", [4], [1, 2]),
        ForeignTensor("d", "F64", [Double(1e39).bitPattern, 1]),
        ForeignTensor("e", "F64", [Double(1e39).bitPattern, Double.infinity.bitPattern]),
        ForeignTensor("f", "F16", [0x7C00] as [UInt16]), ForeignTensor("g", "BF16", [0x7FC1] as [UInt16]),
      ]), to: "w.safetensors")
    let stored = try StartFile.facts(of: folder.path + "/w.safetensors")
    #expect(
      stored.tensors.map { "\($0.name) \($0.foreignType ?? "-")" } == [
        "layers.1.conv.weight I8", "layers.1.conv.bias F4", "d -", "e -", "f -", "g -",
      ])
    #expect(stored.tooLarge == ["d"] && stored.notFinite == ["e", "f", "g"])
    #expect(stored.wiring.steps.isEmpty)
    // A run's own file has floats of 32 bits.
    #expect(throws: SafetensorsError.self) { _ = try SafetensorsReader(path: folder.path + "/w.safetensors") }
  }

  @Test(
    "sizes are held against the type",
    arguments: [
      ("F16", [2], 8), ("BF16", [4], 4), ("F64", [1], 4), ("I64", [1], 4), ("U8", [3], 4),
      ("F16", [1 << 62, 4], 0), ("F4", [1 << 62, 4], 0), ("F64", [1 << 61], 0),
    ] as [(String, [Int], Int)])
  func sizes(type: String, shape: [Int], byteCount: Int) throws {
    let bytes = [UInt8](repeating: 0, count: byteCount)
    try folder.write(ForeignTensor.file([ForeignTensor("w", type, shape, bytes)]), to: "w.safetensors")
    do throws(SafetensorsError) {
      _ = try SafetensorsReader(path: folder.path + "/w.safetensors", acceptsOtherTypes: true)
      Issue.record("it was read")
    } catch {
      if case .wrongPlace = error { return }
      Issue.record("\(error)")
    }
  }

  @Test(
    "a file of another kind is told for what it is",
    arguments: [
      (Array("PK\u{3}\u{4}....archive/data.pkl".utf8), "a file of torch.save (zip), not safetensors"),
      (Array("PK\u{3}\u{4}....weight.npy".utf8), "a NumPy archive (npz)"),
      ([0x80, 2, 0x8A, 10], "a Python pickle (as of torch.save), not safetensors"),
      ([0x1F, 0x8B, 8, 0], "packed with gzip"),
      ([0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0, 0], "packed with zstd"),
      ([0x89] + Array("HDF\r\n\u{1A}\n".utf8), "an HDF5 file (Keras)"),
      (Array("\n <!DOCTYPE html><html>".utf8), "an HTML page"),
      (Array("version https://git-lfs.example/spec".utf8), "a pointer of Git LFS, not the file itself"),
      (Array("{\"weight_map\": {}}".utf8), "a JSON text"),
      (Array("strata: 1\nname: net\n".utf8), "a text"),
      ([UInt8](repeating: 0, count: 257) + Array("ustar\0".utf8), "a tar archive"), ([], "empty"),
    ] as [([UInt8], String)])
  func foreign(bytes: [UInt8], kind: String) throws {
    try folder.write(bytes, to: "w.safetensors")
    do throws(ModelFileError) {
      _ = try StartFile.facts(of: folder.path + "/w.safetensors")
      Issue.record("it was read")
    } catch {
      #expect(error.message == "'\(folder.path)/w.safetensors' is \(kind)")
    }
  }

  @Test("a path leads to the file that is there, or to the one that a run leaves")
  func paths() throws {
    for name in ["e.pt", "w.safetensors", "weights"] { try folder.write([0], to: name) }
    mkdir(folder.path + "/run", 0o700)
    mkdir(folder.path + "/odd.safetensors", 0o700)
    func path(_ name: String) -> String { StartFile.path("\(folder.path)/\(name)") }
    for name in ["e.pt", "w.safetensors", "weights", "new.safetensors", "new.pth"] {
      #expect(path(name) == "\(folder.path)/\(name)")
    }
    for name in ["run", "odd.safetensors", "net-1", "net-1.5"] {
      #expect(path(name) == "\(folder.path)/\(name)/model.safetensors")
    }
    #expect(StartFile.isThere(path("e.pt")) && StartFile.isThere(path("run")))
    #expect(!StartFile.isThere(path("net-1")) && !StartFile.isThere(path("new.pth")))
    try folder.write(Array("{}".utf8), to: "run/plan.json")
    #expect(!StartFile.isThere(path("run")))
  }
}
