import CompilerSupport
import GraphIR
import Passes
import Testing

/// Shapes of a network of which modules have lost channels.
@Suite("Narrowed networks")
struct NarrowChannelsTests {
  private func network(_ sections: String) throws -> Graph {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: wide
      \(sections)
      training: {strategy: sequential, batch: 4}
      """)
    return try spec.graphs(after: "fuse")[0].graph
  }

  /// Parameters and statistics whose type differs, with their new one.
  private func changed(_ before: Graph, _ after: Graph) -> [String: TensorType] {
    var types: [String: TensorType] = [:]
    for (old, new) in zip(before.values, after.values) where old.type != new.type {
      if old.category == .parameter || old.category == .statistics { types[old.name] = new.type }
    }
    return types
  }

  @Test("lose filters, batch norm, and whatever reads the channels; the rest stays")
  func convolutions() throws {
    let before = try network(
      """
      network: {family: vgg, input: 3x8x8, widths: [12, 16]}
      auxiliary: {kind: cnn, k: 3}
      downsampling: {kind: invertible, before: [2]}
      """)
    let after = NarrowChannels(module: 1, width: 5).run(before)
    #expect(throws: Never.self) { try GraphVerifier(after).verify() }
    #expect(
      changed(before, after) == [
        "layers.1.conv.weight": .filter(kernelSize: 3, inChannels: 3, outChannels: 5),
        "layers.1.conv.bias": .vector(5),
        "layers.1.batch_norm.weight": .vector(5), "layers.1.batch_norm.bias": .vector(5),
        "layers.1.batch_norm.running_mean": .vector(5), "layers.1.batch_norm.running_var": .vector(5),
        "auxiliaries.1.convolutions.1.conv.weight": .filter(kernelSize: 3, inChannels: 5, outChannels: 12),
        // Every pixel of a 2x2 window brings its channels.
        "layers.2.conv.weight": .filter(kernelSize: 3, inChannels: 20, outChannels: 16),
      ])
    // The next layer starts from the bound of what it reads: nine pixels of twenty channels.
    for name in ["layers.2.conv.weight", "layers.2.conv.bias"] {
      #expect(after.values.first { $0.name == name }?.initial == .uniformFanIn(180), "\(name)")
    }
    // Before the cut: nine pixels of four times twelve.
    #expect(before.values.first { $0.name == "layers.2.conv.weight" }?.initial == .uniformFanIn(432))
  }

  @Test("lose batch norm and inputs of linear layers behind pools")
  func linear() throws {
    let before = try network(
      """
      network: {family: vgg, input: 3x8x8, widths: [12, 16], head: {kind: mlp, hidden: [9, 9]}}
      auxiliary: linear
      downsampling: {kind: max-pool, before: [2]}
      """)
    let first = changed(before, NarrowChannels(module: 1, width: 5).run(before))
    #expect(first["auxiliaries.1.batch_norm.running_var"] == .vector(5))
    #expect(
      first["auxiliaries.1.output.weight"] == .matrix(outFeatures: 10, height: 2, width: 2, channels: 5))
    #expect(first["layers.2.conv.weight"] == .filter(kernelSize: 3, inChannels: 5, outChannels: 16))
    #expect(first["auxiliaries.1.output.bias"] == nil)
    let head = changed(before, NarrowChannels(module: 2, width: 7).run(before))
    #expect(
      head["head.hidden.1.linear.weight"] == .matrix(outFeatures: 9, height: 2, width: 2, channels: 7))
    #expect(head.keys.allSatisfy { $0.hasPrefix("layers.2.") || $0 == "head.hidden.1.linear.weight" })
  }

  @Test("one after the other are as if at once")
  func order() throws {
    let network = try network("network: {family: vgg, input: 3x8x8, widths: [12, 16, 8]}")
    let (first, third) = (NarrowChannels(module: 1, width: 5), NarrowChannels(module: 3, width: 2))
    #expect(third.run(first.run(network)) == first.run(third.run(network)))
  }
}
