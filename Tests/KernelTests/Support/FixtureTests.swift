import TestSupport
import Testing

@Suite struct FixtureTests {
  @Test func everyElementTypeIsRead() throws {
    let fixture = try Fixture(
      bytes: safetensors(
        #"{"f":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
          + #""d":{"dtype":"F64","shape":[1,1],"data_offsets":[8,16]},"#
          + #""i":{"dtype":"I32","shape":[],"data_offsets":[16,20]},"#
          + #""l":{"dtype":"I64","shape":[1],"data_offsets":[20,28]},"#
          + #""__metadata__":{"format":"pt"}}"#,
        littleEndian(Float(1.5).bitPattern) + littleEndian(Float(-0.25).bitPattern)
          + littleEndian(Double.pi.bitPattern) + littleEndian(Int32(-7)) + littleEndian(Int64(-1) << 40)))
    #expect(fixture.names == ["d", "f", "i", "l"])
    #expect(try fixture.tensor("f") == Fixture.Tensor(shape: [2], values: [1.5, -0.25]))
    #expect(try fixture.tensor("d") == Fixture.Tensor(shape: [1, 1], values: [Double.pi]))
    #expect(try fixture.tensor("i").integers == [-7])
    #expect(try fixture.tensor("l").integers == [-1 << 40])
  }

  @Test func prefixesGiveTheModelsOwnNames() throws {
    let entry = #"{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#
    let fixture = try Fixture(
      bytes: safetensors(#"{"final.b":\#(entry),"final.a.c":\#(entry),"finally":\#(entry)}"#, []))
    #expect(fixture.names(under: "final.") == ["a.c", "b"])
  }

  @Test func missingFilesAndTensorsAreErrors() throws {
    #expect(throws: Fixture.ReadError.self) { try Fixture(named: "no such.safetensors") }
    let empty = try Fixture(bytes: safetensors("{}", []))
    #expect(throws: Fixture.ReadError.noSuchTensor(name: "w")) { try empty.tensor("w") }
  }

  @Test(arguments: [
    #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,  // too few bytes for its shape
    #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,  // beyond the end
    #"{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#,
    #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    #"{"w":{"dtype":"F32","data_offsets":[0,4]}}"#,
    "[]", "{",
  ])
  func malformedHeadersAreErrors(header: String) {
    #expect(throws: Fixture.ReadError.self) { try Fixture(bytes: safetensors(header, [0, 0, 0, 0])) }
  }

  @Test func truncatedFilesAreErrors() {
    #expect(throws: Fixture.ReadError.self) { try Fixture(bytes: [1, 0, 0]) }
    #expect(throws: Fixture.ReadError.self) { try Fixture(bytes: [200, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]) }
    #expect(throws: Fixture.ReadError.self) { try Fixture(bytes: Array(repeating: 0xff, count: 16)) }
  }

  @Test func pyTorchsLayoutsBecomeThoseOfTheKernels() {
    // [N 1, C 2, H 1, W 3] to rows of two channels.
    let images = PyTorchLayouts.images(
      Fixture.Tensor(shape: [1, 2, 1, 3], values: [1, 2, 3, 10, 20, 30]))
    #expect(images.values == [1, 10, 2, 20, 3, 30])
    // [K 2, C 1, 1, 2] to [row, column, channel; out].
    #expect(
      PyTorchLayouts.filter(Fixture.Tensor(shape: [2, 1, 1, 2], values: [1, 2, 3, 4])) == [1, 3, 2, 4])
    // One output, features (channel, position) to (position, channel).
    let weight = Fixture.Tensor(shape: [1, 4], values: [1, 2, 3, 4])
    #expect(
      PyTorchLayouts.flattenedLinearWeight(weight, channels: 2, height: 1, width: 2) == [1, 3, 2, 4])
  }

  private func safetensors(_ header: String, _ data: [UInt8]) -> [UInt8] {
    littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
  }

  private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
