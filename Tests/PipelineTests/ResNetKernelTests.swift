import CompilerSupport
import GraphIR
import Operators
import SpecLanguage
import Testing

@Suite("Kernels of a resnet's stages")
struct ResNetKernelTests {
  private func spec(_ block: String, _ stage: String) throws -> DecodedSpec {
    try DecodedSpec(
      """
      strata: 1
      name: kernels
      network: {family: resnet, input: 3x8x8, block: \(block), stem: {width: 4}, stages: [\(stage)], head: gap}
      training: {batch: 5}

      """)
  }

  @Test("parameters and multiply-adds by hand, and images as large as before", arguments: [1, 3, 5, 7])
  func sizes(side: Int) throws {
    let basic = try spec("basic", "{blocks: 1, width: 4, kernel: \(side)}").plan().modules[1]
    let wide = 2 * side * side * 4 * 4
    #expect(basic.parameters == wide + 2 * 2 * 4)
    #expect(basic.multiplyAdds == 64 * wide)
    let bottleneck = try spec("bottleneck", "{blocks: 1, width: 2, kernel: \(side)}").plan().modules[1]
    // 1x1 to 2 channels, the middle one, 1x1 to 8, and the shortcut's.
    let products = 4 * 2 + side * side * 2 * 2 + 2 * 8 + 4 * 8
    #expect(bottleneck.parameters == products + 2 * (2 + 2 + 8 + 8))
    #expect(bottleneck.multiplyAdds == 64 * products)
  }

  @Test("each stage has its own; unsaid it is 3, and the resolved text says nothing of it")
  func stages() throws {
    let mixed = try spec("basic", "{blocks: 1, width: 4, kernel: 1}, {blocks: 2, width: 6}")
    let graph = try #require(try mixed.graphs(after: "fuse").first).graph
    let sides = graph.nodes.compactMap { node -> Int? in
      guard node.part == .layers, node.item > 0, let c = node.op.as(Convolution.self) else { return nil }
      return c.kernelSize
    }
    // The second stage's first block has a shortcut, behind its own two.
    #expect(sides == [1, 1, 3, 3, 1, 3, 3])
    let text = resolvedText(mixed.spec)
    #expect(text.contains("{blocks: 1, width: 4, kernel: 1}") && text.contains("{blocks: 2, width: 6}"))
    let again = try DecodedSpec(text)
    #expect(resolvedText(again.spec) == text)
  }
}
