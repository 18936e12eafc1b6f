import Artifacts
import GraphIR
import Testing

@Suite("torchvision's networks")
struct TorchvisionTests {
  @Test("have the tensors and steps of the specs of the same networks", arguments: TorchvisionModel.names)
  func specs(name: String) throws {
    let isPlain = name.hasPrefix("vgg") && !name.hasSuffix("_bn")
    let spec = String(name.prefix { $0 != "_" })
    let plan = try CheckedText(
      try SpecFolder.text(spec), sets: isPlain ? ["network.batch-norm=false"] : []
    ).plan()
    let model = try #require(TorchvisionModel(name))
    let own = plan.resident.entries.map(\.value).filter {
      ($0.category == .parameter || $0.category == .statistics) && !$0.name.hasPrefix("auxiliaries.")
    }
    #expect(
      Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.ours, $0.shape) })
        == Dictionary(uniqueKeysWithValues: own.map { ($0.name, $0.type.pyTorchShape) }))
    for (part, steps) in model.wiring.steps {
      #expect(plan.wiring.steps[part].map(NetworkWiring.comparable) == steps, "\(part)")
    }
    #expect(
      model.wiring.steps.keys.sorted() == plan.wiring.steps.keys.filter { !$0.hasPrefix("aux") }.sorted())
  }

  @Test("are told by their tensors' names, with or without the last layer")
  func names() throws {
    for name in TorchvisionModel.names {
      let names = try #require(TorchvisionModel(name, classes: 10)).tensors.map(\.name)
      #expect(TorchvisionModel(tensorNames: Set(names))?.name == name)
      #expect(TorchvisionModel(tensorNames: Set(names.dropLast(2)))?.name == name)
      #expect(TorchvisionModel(tensorNames: Set(names.dropLast(3))) == nil)
      #expect(TorchvisionModel(tensorNames: Set(names + ["extra.weight"])) == nil)
    }
    #expect(TorchvisionModel("resnet19") == nil && TorchvisionModel(tensorNames: []) == nil)
  }
}
