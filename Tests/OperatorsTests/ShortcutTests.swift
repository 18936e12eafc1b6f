import Diagnostics
import GraphIR
import Operators
import Testing

@Suite("Shortcuts of blocks")
struct ShortcutTests {
  /// What a convolution is, whatever its tensors are called.
  @Test(arguments: [true, false])
  func words(isShortcut: Bool) throws {
    let images = Value(
      name: "images", type: .images(Shape(batch: 2, height: 4, width: 4, channels: 3)), category: .batch,
      module: 0)
    let labels = Value(name: "labels", type: .labels(batch: 2), category: .batch, module: 0)
    var builder = GraphBuilder(
      graph: Graph(images: images, labels: labels),
      origin: SourceSpan(file: SourceFileID(index: 0), utf8: 0..<1))
    builder.module = 1
    let convolution = Convolution(outChannels: 5, kernelSize: 1, stride: 2, isShortcut: isShortcut)
    _ = builder.convolution(
      builder.graph.images, convolution, bias: false, name: isShortcut ? "block" : "block.shortcut.conv")
    let node = try #require(builder.graph.nodes.first)
    let prefix = isShortcut ? "shortcut " : ""
    #expect(node.op.definition.words(node, in: builder.graph) == "\(prefix)conv 1x1 5 /2")
    #expect(node.op.definition.steps(node, in: builder.graph) == ["\(prefix)conv 1x1 stride 2"])
  }
}
