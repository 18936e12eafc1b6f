import Foundation
import Testing

@Suite("torchvision's names, from the command line")
struct TorchvisionCommandTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Names, shapes and bytes of a safetensors file.
  private func tensors(_ file: String) throws -> [String: Data] {
    let data = try workspace.data(file)
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]])
    var found: [String: Data] = [:]
    for (name, entry) in header {
      guard let offsets = entry["data_offsets"] as? [Int] else { continue }
      found[name] = data[8 + length + offsets[0]..<8 + length + offsets[1]]
    }
    return found
  }

  private let spec = """
    strata: 1
    name: net
    data: {source: synthetic, limit: {train: 4, test: 2}}
    network:
      family: resnet
      input: 3x32x32
      classes: 3
      stem: {width: 64, kernel: 7, stride: 2, pool: max}
      stages: [{blocks: 2, width: 64}, {blocks: 2, width: 128}, {blocks: 2, width: 256}, {blocks: 2, width: 512}]
      shortcut: projection
      head: gap
    training: {strategy: end-to-end, epochs: 1, batch: 4}

    """

  @Test("weights go out under them and come back, to the bit")
  func roundTrip() throws {
    try workspace.write(spec, to: "net.yaml")
    try #require(try workspace.strata("run", "net.yaml", "-o", "first").exitCode == 0)
    let export = try workspace.strata("export", "first", "-o", "resnet18.safetensors")
    #expect(export.exitCode == 0 && export.output.contains("torchvision.models.resnet18(num_classes=3)"))
    let (ours, theirs) = (try tensors("first/model.safetensors"), try tensors("resnet18.safetensors"))
    #expect(theirs.count == 102 && ours.count == 102)
    for (name, other) in [
      ("conv1.weight", "stem.conv.weight"), ("layer1.1.bn2.bias", "blocks.2.batch_norm2.bias"),
      ("layer4.0.downsample.1.running_var", "blocks.7.shortcut.batch_norm.running_var"),
      ("layer3.1.conv2.weight", "blocks.6.conv2.weight"), ("fc.bias", "head.output.bias"),
    ] { #expect(theirs[name] != nil && theirs[name] == ours[other], "\(name)") }
    // Written over by the same command alone.
    #expect(try workspace.strata("export", "first", "-o", "resnet18.safetensors", "--json").exitCode == 0)
    #expect(try workspace.strata("export", "first", "-o", "first/model.safetensors").exitCode == 2)

    // A rate that moves nothing: what is left is what was read.
    let back = try workspace.strata(
      "run", "net.yaml", "-o", "second", "--set", "network.from=resnet18.safetensors", "--set",
      "training.optimizer.learning-rate=1e-30")
    #expect(back.exitCode == 0, "\(back.diagnostics)")
    let again = try tensors("second/model.safetensors")
    for name in ["stem.conv.weight", "blocks.7.shortcut.conv.weight", "head.output.weight"] {
      #expect(again[name] == ours[name], "\(name)")
    }
  }

  @Test("what does not fit is listed under both names, before a run")
  func faults() throws {
    try workspace.write(spec, to: "net.yaml")
    try #require(try workspace.strata("run", "net.yaml", "-o", "first").exitCode == 0)
    try #require(try workspace.strata("export", "first", "-o", "a.safetensors").exitCode == 0)
    let check = try workspace.strata(
      "check", "net.yaml", "--set", "network.from=a.safetensors", "--set", "network.stem.width=32")
    #expect(check.exitCode == 2)
    #expect(
      check.diagnostics.contains("'conv1.weight' ('stem.conv.weight' here) [64, 3, 7, 7], here [32, 3, 7, 7]")
    )
    // A network that torchvision does not have.
    try workspace.write(
      spec.replacing("{blocks: 2, width: 512}", with: "{blocks: 1, width: 512}"),
      to: "other.yaml")
    try #require(try workspace.strata("run", "other.yaml", "-o", "other").exitCode == 0)
    let export = try workspace.strata("export", "other", "-o", "b.safetensors")
    #expect(export.exitCode == 2 && export.diagnostics.contains("most like resnet18"))
    #expect(export.diagnostics.contains("'blocks.8.conv1.weight' is missing, its 'layer4.1.conv1.weight'"))
    let module = try workspace.strata("export", "first", "-o", "c.safetensors", "--softmax")
    #expect(module.exitCode == 2 && module.diagnostics.contains("the whole network"))
  }
}
