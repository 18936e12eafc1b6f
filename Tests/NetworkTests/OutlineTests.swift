import Artifacts
import GraphIR
import Pipeline
import SpecLanguage
import TestSupport
import Testing
import Text

@Suite("Networks in rows")
struct OutlineTests {
  private func outline(_ text: String) throws -> (spec: Spec, outline: NamedOutline) {
    let spec = try #require(CheckedText(text).spec)
    return (spec, NamedOutline(try LoweredSpec(spec)))
  }

  private func text(_ source: String) throws -> NetworkText {
    let (spec, outline) = try outline(source)
    return NetworkText(
      name: spec.name.value, classes: spec.network.classes.value, outline: outline.network,
      rowNames: outline.rowNames, moduleNames: outline.moduleNames, kept: outline.kept)
  }

  @Test("count what PyTorch counts", arguments: NetworkCount.all)
  func counts(count: NetworkCount) throws {
    let network = try outline(try SpecFolder.text(count.name)).outline.network
    let count = count.trained
    #expect(network.parameters == count.parameters)
    #expect(network.multiplyAdds == count.multiplyAdds)
    let head = try #require(network.modules.last)
    #expect(
      network.rows.map(\.parameters).reduce(0, +) + head.classifierParameters == count.parameters)
    #expect(
      network.rows.map(\.multiplyAdds).reduce(0, +) + head.classifierMultiplyAdds == count.multiplyAdds)
    // What a row makes the next one reads.
    for (row, next) in zip(network.rows, network.rows.dropFirst()) { #expect(row.output == next.input) }
  }

  @Test("a resnet's stem is a row of its own")
  func rowNames() throws {
    let outline = try outline(try SpecFolder.text("resnet18")).outline
    #expect(outline.rowNames == ["stem"] + (1...8).map { "block \($0)" })
    #expect(outline.moduleNames == outline.rowNames)
    let stem = outline.network.rows[0]
    #expect(stem.operations == ["conv 7x7 64 /2", "max-pool 3x3 /2"])
    #expect(stem.output == Shape(batch: 32, height: 56, width: 56, channels: 64))
    #expect(
      outline.network.rows[3].operations == ["conv 3x3 128 /2", "conv 3x3 128", "shortcut conv 1x1 128 /2"])
  }

  @Test("as text: every kind of halving, bars as long as images are high")
  func vggText() throws {
    let text = try text(
      """
      strata: 1
      name: halvings
      network: {family: vgg, input: 3x32x32, classes: 10, widths: [8, 8, 16, 16, 16], head: gap}
      downsampling:
        before: [2, {at: 3, kind: invertible}, {at: 4, kind: stride}, {at: 5, kind: average-pool}]
      auxiliary: {kind: cnn, k: 3}
      training: {partition: {cuts: [3]}}

      """)
    expectGolden(text.text(.plain), "network-vgg.txt")
    expectGolden(JSONWriter.document(text.json), "network-vgg.json")
  }

  @Test("as text: zero-padded shortcuts, MLP-SR auxiliaries")
  func resnetText() throws {
    let text = try text(
      """
      strata: 1
      name: residual
      network:
        family: resnet
        input: 3x20x12
        classes: 10
        stages: [{blocks: 1, width: 8}, {blocks: 2, width: 16}]
        shortcut: zero-pad
      auxiliary: mlp-sr
      training: {}

      """)
    expectGolden(text.text(.plain), "network-resnet.txt")
  }
}
