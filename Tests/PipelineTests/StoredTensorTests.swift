import CompilerSupport
import Diagnostics
import GraphIR
import Pipeline
import Planning
import SpecLanguage
import Testing

@Suite("Stored tensors that do not fit, or not for certain")
struct StoredTensorTests {
  private let short: StoredWeights

  init() throws {
    short = try storedWeights(startSpec(widths: "[6, 8]"))
  }

  @Test("every fault of every tensor, a diagnostic for each kind; many names are cut short")
  func allAtOnce() throws {
    var torn = try storedWeights(startSpec(widths: "[6, 8, 10]"))
    torn.tensors.removeAll { ["layers.1.conv.bias", "layers.2.batch_norm.running_var"].contains($0.name) }
    torn.tensors.append(StoredWeights.Tensor(name: "fc.weight", shape: [3]))
    torn.tensors.append(StoredWeights.Tensor(name: "layers.3.conv.scale", shape: [10]))
    for index in torn.tensors.indices {
      switch torn.tensors[index].name {
      case "layers.1.conv.weight": torn.tensors[index].foreignType = "I8"
      case "layers.2.conv.bias": torn.tensors[index].foreignType = "U16"
      default: break
      }
    }
    torn.tooLarge = ["layers.3.conv.weight", "auxiliaries.1.batch_norm.weight"]
    torn.notFinite = ["layers.3.conv.bias"]
    let file = "the weights at 'runs/a/model.safetensors'"
    do {
      _ = try compiledStart(
        startSpec(widths: "[6, 8, 10]", network: ", kernel: [3, 3, 5], from: runs/a"), from: torn)
      Issue.record("it was compiled")
    } catch let error as CompilationFailed {
      #expect(
        error.diagnostics.map { "\($0.code) \($0.message)" } == [
          "E132 \(file) lack 2 tensors ('layers.1.conv.bias', 'layers.2.batch_norm.running_var')",
          "E132 the stored tensor 'layers.3.conv.weight' has the shape [10, 8, 3, 3], this network's has [10, 8, 5, 5]",
          "E132 \(file) have the tensor 'layers.3.conv.scale', this network does not",
          "E132 \(file) have the tensor 'fc.weight', of no layer, block or classifier",
          "E161 stored numbers are no floats: 'layers.1.conv.weight' has the type I8, 'layers.2.conv.bias' has the type U16",
          "E161 2 stored tensors ('layers.3.conv.weight', 'auxiliaries.1.batch_norm.weight') have numbers beyond the largest float32",
          "E132 the stored tensor 'layers.3.conv.bias' has numbers that are not finite",
        ])
    }
    var many = try storedWeights(startSpec(widths: "[6, 6, 6]"))
    many.tensors.removeAll { $0.name.contains("batch_norm") && $0.name.hasPrefix("layers.") }
    let lacking = try startFault(startSpec(widths: "[6, 6, 6]", network: ", from: runs/a"), from: many)
    #expect(
      lacking?.message.hasSuffix("'layers.2.batch_norm.running_var', and 4 more)") == true,
      "\(lacking?.message ?? "")")
  }

  @Test("a layer that is missing between others, and a classifier that is there in part, are faults")
  func gaps() throws {
    var gap = try storedWeights(startSpec(widths: "[6, 8, 10]"))
    gap.tensors.removeAll { $0.name.hasPrefix("layers.2.") }
    let layer = try startFault(startSpec(widths: "[6, 8, 10]", network: ", from: runs/a"), from: gap)
    #expect(layer?.message.contains("lack 6 tensors ('layers.2.conv.weight', ") == true)
    var torn = short
    torn.tensors.removeAll { $0.name == "auxiliaries.1.output.bias" }
    let part = try startFault(startSpec(widths: "[6, 8]", network: ", from: runs/a"), from: torn)
    #expect(
      part?.message == "the weights at 'runs/a/model.safetensors' lack the tensor 'auxiliaries.1.output.bias'"
    )
  }

  @Test("names under a wrapper's are told with what to cut off", arguments: ["module.", "_orig_mod."])
  func wrapped(prefix: String) throws {
    var weights = short
    for index in weights.tensors.indices {
      weights.tensors[index].name = prefix + weights.tensors[index].name
    }
    let found = try startFault(startSpec(widths: "[6, 8]", network: ", from: runs/a"), from: weights)
    #expect(found?.message == "the weights at 'runs/a/model.safetensors' are not of this network")
    #expect(
      found?.help
        == "its names begin with '\(prefix)': save the tensors under `name.removeprefix(\"\(prefix)\")`")
  }

  @Test("a file without wiring is warned of, and so are its classifiers that are not used")
  func unknownWiring() throws {
    func codes(_ text: String, _ weights: StoredWeights) throws -> [String] {
      warnings(of: try LoweredSpec(DecodedSpec(text).spec), start: .file(weights)).map {
        "\($0.code) \($0.message)"
      }
    }
    let text = startSpec(widths: "[6, 8]", network: ", from: runs/a")
    #expect(try codes(text, short) == [])
    var foreign = short
    foreign.wiring = NetworkWiring()
    let unknown =
      "W060 the weights at 'runs/a/model.safetensors' do not say how their layers compute: names and shapes alone are compared"
    #expect(try codes(text, foreign) == [unknown])
    foreign.tensors.removeAll { $0.name == "head.output.bias" }
    #expect(
      try codes(text, foreign) == [
        unknown,
        "W061 'head' of 'runs/a/model.safetensors' is not used: tensors are missing or of other shapes",
      ])
    #expect(
      try compiledStart(text, from: foreign).start?.tensors.contains { $0.name.hasPrefix("head.") } == false)
    #expect(warnings(of: try LoweredSpec(DecodedSpec(startSpec(widths: "[6, 8]")).spec), start: nil).isEmpty)
  }

  @Test("wiring of earlier releases, without averages and flattens, is held against what it has")
  func earlierWiring() throws {
    var earlier = short
    earlier.wiring = NetworkWiring(
      texts: short.wiring.texts.mapValues { text in
        NetworkWiring.comparable(text.split(separator: ", ").map(String.init)).joined(separator: ", ")
      })
    #expect(earlier.wiring.texts["head"] == "behind layers.2, batch-norm, linear")
    let text = startSpec(widths: "[6, 8]", network: ", from: runs/a, frozen: 1")
    let plan = try compiledStart(text, from: earlier)
    #expect(plan.start?.tensors.count == (try compiledStart(text, from: short)).start?.tensors.count)
    #expect(plan.start?.tensors.contains { $0.name == "head.output.weight" } == true)
    // Another size of image averages from another size, and behind the same weights.
    let large = startSpec(widths: "[6, 8]", network: ", from: runs/a").replacing("3x8x8", with: "3x12x12")
    #expect(
      try compiledStart(large, from: short).start?.tensors.contains { $0.name == "head.output.weight" }
        == true)
  }
}
