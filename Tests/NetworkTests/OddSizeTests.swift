import GraphIR
import Pipeline
import Planning
import SpecLanguage
import Testing

/// Images whose sides are odd somewhere: sizes, parameters and multiply-adds as PyTorch has them.
@Suite("Odd sizes")
struct OddSizeTests {
  private func outline(_ sections: String) throws -> NetworkOutline {
    let checked = CheckedText("strata: 1\nname: odd\n\(sections)\ntraining: {batch: 8}\n")
    #expect(checked.codes == [], "\(checked.rendered)")
    return NamedOutline(try LoweredSpec(#require(checked.spec))).network
  }

  /// The side behind each layer or block.
  private func sides(_ outline: NetworkOutline) -> [String] {
    outline.rows.map { "\($0.output.height)x\($0.output.width)" }
  }

  @Test("VGG8b on 28x28, halved before layers 3, 5 and 6")
  func vgg8b() throws {
    let outline = try outline(
      """
      network:
        family: vgg
        input: 1x28x28
        classes: 10
        widths: [128, 256, 256, 512, 512, 512]
        head: {kind: mlp, hidden: [1024]}
      downsampling: {kind: max-pool, before: [3, 5, 6]}
      auxiliary: {kind: linear, loss: predsim}
      """)
    #expect(sides(outline) == ["28x28", "28x28", "14x14", "14x14", "7x7", "3x3"])
    #expect(outline.parameters == 8_901_130 && outline.multiplyAdds == 717_877_248)
  }

  @Test("the vgg head pools 7x7 to 3x3")
  func vggHead() throws {
    let outline = try outline(
      """
      network: {family: vgg, input: 1x14x14, classes: 10, widths: [8, 8], head: vgg}
      downsampling: {before: [2]}
      """)
    #expect(outline.parameters == 17_121_986 && outline.multiplyAdds == 17_155_424)
  }

  @Test(
    "a resnet of four stages, its stem's stride and pool too",
    arguments: [
      (28, "{width: 8}", ["28x28", "28x28", "14x14", "7x7", "4x4"], 77_858, 3_282_688),
      (
        35, "{width: 8, kernel: 7, stride: 2, pool: max}", ["9x9", "9x9", "5x5", "3x3", "2x2"], 78_178,
        668_960
      ),
    ])
  func resnet(side: Int, stem: String, sides: [String], parameters: Int, multiplyAdds: Int) throws {
    let outline = try outline(
      """
      network:
        family: resnet
        input: 1x\(side)x\(side)
        classes: 10
        stem: \(stem)
        stages: [{blocks: 1, width: 8}, {blocks: 1, width: 16}, {blocks: 1, width: 32}, {blocks: 1, width: 64}]
        head: gap
      """)
    #expect(self.sides(outline) == sides)
    #expect(outline.parameters == parameters && outline.multiplyAdds == multiplyAdds)
  }

  @Test(
    "a stride rounds up, a pool down, whatever is odd",
    arguments: [("stride", "4x5"), ("max-pool", "3x4"), ("average-pool", "3x4")])
  func kinds(kind: String, side: String) throws {
    for family in ["family: vgg, widths: [8, 8]", "family: resnet, stages: [{blocks: 2, width: 8}]"] {
      let outline = try outline(
        """
        network: {\(family), input: 3x7x9, classes: 4}
        downsampling: {kind: \(kind), before: [2]}
        """)
      #expect(sides(outline).last == side)
    }
  }

  @Test("auxiliaries that double in width count halvings, not sizes")
  func doubled() throws {
    // 5 -> 3 -> 2 -> 1 by strides, 7 -> 3 -> 1 by pools.
    for (input, kind, before, width) in [
      ("3x5x5", "stride", "[2, 3, 4]", 64), ("3x7x7", "max-pool", "[2, 4]", 32),
    ] {
      let checked = CheckedText(
        """
        strata: 1
        name: odd
        network: {family: vgg, input: \(input), classes: 4, widths: [8, 8, 8, 8, 8]}
        downsampling: {kind: \(kind), before: \(before)}
        auxiliary: {kind: cnn, k: 2, width: doubled}
        training: {batch: 8}
        """)
      #expect(checked.codes == [], "\(checked.rendered)")
      let graph = try #require(try checked.plan().stages.last?.training.graph)
      let filters = graph.values.compactMap { value -> Int? in
        guard value.name == "auxiliaries.4.convolutions.1.conv.weight",
          case .filter(_, _, let outChannels) = value.type.extent
        else { return nil }
        return outChannels
      }
      #expect(filters.first == width, "\(kind)")
    }
  }

  @Test("weights say what their network pooled, of odd sizes as of even ones")
  func wiring() throws {
    func steps(_ side: Int, _ kind: String) throws -> [String]? {
      let checked = CheckedText(
        """
        strata: 1
        name: odd
        network: {family: vgg, input: 3x\(side)x\(side), classes: 4, widths: [8, 8]}
        downsampling: {kind: \(kind), before: [2]}
        training: {batch: 8}
        """)
      let dumps = try GraphDump.all(of: try #require(checked.spec), after: "fuse")
      return NetworkWiring(try #require(dumps.first).graph).steps["layers.2"]
    }
    for kind in ["max-pool", "average-pool", "stride"] {
      let odd = try steps(7, kind)
      #expect(try steps(8, kind) == odd)
      #expect(
        odd?.first
          == (kind == "stride"
            ? "conv 3x3 stride 2 padding 1 with bias"
            : "\(kind) 2x2" + (kind == "max-pool" ? " stride 2" : "")))
    }
  }
}
