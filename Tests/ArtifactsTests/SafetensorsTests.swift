import Artifacts
import Base
import Datasets
import Foundation
import Testing

@Suite struct SafetensorsTests {
  private typealias Tensor = Safetensors.Tensor

  /// Element `i` of the tensor named `name`.
  private func number(_ name: String, _ i: Int) -> Float { Float(i) * 0.5 + Float(name.utf8.count) * 1_000 }

  private func write(
    _ tensors: [Tensor], metadata: [String: String] = [:], to path: String
  ) throws -> SafetensorsReceipt {
    try Safetensors.write(tensors, metadata: metadata, to: path) { index, start, numbers in
      for i in numbers.indices { numbers[i] = number(tensors[index].name, start + i) }
    }
  }

  @Test func theBytesAreTheFormats() throws {
    let folder = try TemporaryFolder()
    let receipt = try write(
      [Tensor(name: "b", shape: [2]), Tensor(name: "a", shape: [])], to: folder.path + "/m")
    let json =
      #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"#
      + #""b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
    let padded = json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
    var expected = [UInt8](repeating: 0, count: 8)
    expected[0] = UInt8(padded.utf8.count)
    expected += Array(padded.utf8)
    for value in [1_000, 1_000, 1_000.5] as [Float] { expected += withUnsafeBytes(of: value) { Array($0) } }
    let bytes = try folder.bytes("m")
    #expect(bytes == expected)
    #expect(receipt.byteCount == bytes.count && receipt.sha256 == SHA256.hex(of: bytes.span.bytes))
    #expect(try folder.names() == ["m"])
  }

  @Test func theOrderGivenDoesNotMatter() throws {
    let folder = try TemporaryFolder()
    let tensors = ["z", "a.1", "a.10", "é", "A", "zz"].map { Tensor(name: $0, shape: [3, $0.utf8.count]) }
    let metadata = ["epoch": "3", "a": "\"", "plan": "x"]
    let one = try write(tensors, metadata: metadata, to: folder.path + "/1")
    let two = try write(tensors.reversed(), metadata: metadata, to: folder.path + "/2")
    #expect(one == two)
    #expect(try folder.bytes("1") == folder.bytes("2"))
    let file = try SafetensorsReader(path: folder.path + "/1")
    #expect(file.tensors.map(\.name) == ["A", "a.1", "a.10", "z", "zz", "é"])
    #expect(file.metadata.map(\.key) == ["a", "epoch", "format", "plan"])
    #expect(file.metadata.map(\.value) == ["\"", "3", "pt", "x"])
  }

  /// More numbers than a chunk, empty tensors, names that need escapes.
  @Test func whatIsWrittenIsRead() throws {
    let folder = try TemporaryFolder()
    let tensors = [
      Tensor(name: "conv.weight", shape: [50_001]), Tensor(name: "a\"\\\u{1}\n", shape: [2, 3, 4]),
      Tensor(name: "empty", shape: [0, 7]), Tensor(name: "one", shape: [1, 1]),
      Tensor(name: "empty2", shape: [0]),
    ]
    _ = try write(tensors, to: folder.path + "/m")
    let file = try SafetensorsReader(path: folder.path + "/m")
    #expect(Set(file.tensors) == Set(tensors))
    for tensor in tensors {
      let place = file.index(of: tensor.name)
      let index = try #require(place)
      #expect(file.tensors[index] == tensor)
      var numbers = [Float](repeating: .nan, count: tensor.elementCount)
      var span = numbers.mutableSpan
      try file.read(index, into: &span)
      #expect(numbers == (0..<tensor.elementCount).map { number(tensor.name, $0) })
    }
    var part = [Float](repeating: .nan, count: 5)
    var span = part.mutableSpan
    let place = file.index(of: "conv.weight")
    let nowhere = file.index(of: "other")
    try file.read(try #require(place), from: 20_000, into: &span)
    #expect(part == (20_000..<20_005).map { number("conv.weight", $0) })
    #expect(nowhere == nil)
  }

  /// As the reference implementation writes: metadata missing, blanks, keys in another order.
  @Test func headersOfOthersAreRead() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      file(
        #"{ "w" : {"shape":[1,2] , "data_offsets":[0,8],"dtype":"F32"}, "\u00e9\ud83d\ude42":"#
          + #" {"dtype":"F32","data_offsets":[8,12],"shape":[]} }  "#, data: 12), to: "m")
    let reader = try SafetensorsReader(path: folder.path + "/m")
    #expect(reader.tensors == [Tensor(name: "w", shape: [1, 2]), Tensor(name: "é🙂", shape: [])])
  }

  private func file(_ header: String, data: Int) -> [UInt8] { file(Array(header.utf8), data: data) }

  private func file(_ header: [UInt8], data: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count)) { Array($0) } + header + [UInt8](repeating: 0, count: data)
  }

  /// Header, bytes behind it, and the fault: its case and offset.
  private static let faults: [(String, Int, String)] = [
    ("", 0, "malformed@0"),
    ("x", 8, "malformed@0"),
    ("[]", 0, "malformed@8"),
    ("{}x", 0, "malformed@10"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, 8, "malformed@61"),
    (#"{"w":{"dtype":"F32","shape":[2]}}"#, 8, "malformed@9"),
    (#"{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "malformed@28"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#, 8, "malformed@61"),
    (#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "malformed@37"),
    (#"{"w":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}"#, 8, "malformed@37"),
    (#"{"w":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, 8, "malformed@37"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{}}"#, 8, "malformed@62"),
    (#"{"\ud83dx":{}}"#, 0, "malformed@10"),
    ("{\"\u{1}\":{}}", 0, "malformed@10"),
    (#"{"__metadata__":{"a":1}}"#, 0, "malformed@29"),
    (#"{"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}"#, 8, "unsupportedType@14"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "wrongSize"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 9, "wrongSize"),
    (#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "wrongPlace@40"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "wrongPlace@40"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}"#, 8, "wrongPlace@40"),
    (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12, "wrongPlace@40"),
    (#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, "wrongPlace@60"),
    (#"{"w":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}"#, 0, "wrongPlace@62"),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
      12, "wrongPlace@93"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}"#,
      20, "wrongPlace@93"
    ),
  ]

  @Test(arguments: faults)
  func damagedHeaders(header: String, data: Int, expected: String) throws {
    #expect(try fault(file(header, data: data)) == expected)
  }

  /// There is no recursion to run out of stack.
  @Test func deepNesting() throws {
    let fault = try fault(file(String(repeating: #"{"a":"#, count: 100_000), data: 0))
    #expect(fault == "malformed@14")
  }

  @Test func damagedLengths() throws {
    #expect(try fault([2, 0, 0]) == "wrongSize")
    #expect(try fault([UInt8](repeating: 255, count: 8)) == "malformed@0")
    #expect(try fault([200, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)) == "wrongSize")
    #expect(try fault(file([0x7B, 0x22, 0xFF, 0x22], data: 0)) == "malformed@10")
    let folder = try TemporaryFolder()
    #expect(
      throws: SafetensorsError.file(FileError(path: folder.path + "/none", operation: "open", code: ENOENT))
    ) {
      _ = try SafetensorsReader(path: folder.path + "/none")
    }
  }

  /// Cut anywhere, or with any byte of the header changed, a file is refused or read, and never more than that.
  @Test func mutatedFilesDoNotTrap() throws {
    let folder = try TemporaryFolder()
    _ = try write([Tensor(name: "a", shape: [2, 2]), Tensor(name: "b", shape: [3])], to: folder.path + "/m")
    let whole = try folder.bytes("m")
    for length in 0..<whole.count { #expect(try fault(Array(whole[..<length]), in: folder) != nil) }
    let random = CounterRandom(seed: 17, purpose: .simulatedDelays)
    for round in 0..<500 {
      var bytes = whole
      for change in 0..<1 + round % 3 {
        let draw = 8 * round + 2 * change
        bytes[random.integer(at: draw, below: whole.count - 28)] = UInt8(
          random.integer(at: draw + 1, below: 256))
      }
      _ = try fault(bytes, in: folder)
    }
  }

  private func fault(_ bytes: [UInt8], in folder: TemporaryFolder? = nil) throws -> String? {
    let folder = try folder ?? TemporaryFolder()
    try folder.write(bytes, to: "m")
    do throws(SafetensorsError) {
      _ = try SafetensorsReader(path: folder.path + "/m")
      return nil
    } catch {
      return switch error {
      case .malformed(_, let offset, _, _): "malformed@\(offset)"
      case .wrongSize: "wrongSize"
      case .unsupportedType(_, let offset, _, _): "unsupportedType@\(offset)"
      case .wrongPlace(_, let offset, _, _, _): "wrongPlace@\(offset)"
      case .file: "file"
      }
    }
  }
}
