import Artifacts
import Foundation
import Planning
import Testing

/// Parameters and multiply-adds as PyTorch and torchvision count them: `Tests/Fixtures/count_networks.py` made the table.
struct NetworkCount: CustomTestStringConvertible {
  var name: String
  var parameters, multiplyAdds, auxiliaryParameters, auxiliaryMultiplyAdds: Int

  var testDescription: String { name }

  /// A line a spec; of a spec with compression what is left in the end.
  static let all = table.filter { !$0.name.hasSuffix(trainedSuffix) }

  /// Before any channel is taken out.
  var trained: NetworkCount {
    Self.table.first { $0.name == name + Self.trainedSuffix } ?? self
  }

  private static let trainedSuffix = ":trained"

  private static let table: [NetworkCount] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "counts.txt")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      let counts = words.dropFirst().compactMap { Int($0) }
      guard counts.count == 4 else { return nil }
      return NetworkCount(
        name: String(words[0]), parameters: counts[0], multiplyAdds: counts[1],
        auxiliaryParameters: counts[2], auxiliaryMultiplyAdds: counts[3])
    }
  }()
}

@Suite("Parameters and multiply-adds of the specs")
struct CountTests {
  @Test("are those of PyTorch, to the unit", arguments: NetworkCount.all)
  func counts(count: NetworkCount) throws {
    let plan = try CheckedText(try SpecFolder.text(count.name)).plan()
    #expect(plan.networkParameters == count.parameters)
    #expect(plan.networkMultiplyAdds == count.multiplyAdds)
    let auxiliaries = plan.modules.dropLast()
    #expect(auxiliaries.map(\.auxiliaryParameters).reduce(0, +) == count.auxiliaryParameters)
    #expect(auxiliaries.map(\.auxiliaryMultiplyAdds).reduce(0, +) == count.auxiliaryMultiplyAdds)
  }

  @Test("of layers and head are the same in end-to-end training", arguments: NetworkCount.all)
  func endToEnd(count: NetworkCount) throws {
    let text = try SpecFolder.text(count.name)
    // Layers that lose channels are trained one after the other.
    if text.contains("\ncompression:") { return }
    let plan = try CheckedText(text, sets: ["training.strategy=end-to-end"]).plan()
    #expect(plan.modules.count == 1)
    #expect(plan.networkParameters == count.parameters)
    #expect(plan.networkMultiplyAdds == count.multiplyAdds)
  }

  @Test("are counted for every spec")
  func everySpecIsCounted() {
    #expect(NetworkCount.all.map(\.name).sorted() == SpecFolder.names)
  }

  /// As torchvision publishes them.
  @Test(
    "are the published ones for the standard nets",
    arguments: [
      ("vgg11", 132_868_840), ("vgg13", 133_053_736), ("vgg16", 138_365_992), ("vgg19", 143_678_248),
      ("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032),
      ("resnet101", 44_549_160), ("resnet152", 60_192_808),
    ])
  func published(name: String, parameters: Int) throws {
    #expect(try CheckedText(try SpecFolder.text(name)).plan().networkParameters == parameters)
  }
}

@Suite("The specs that come with Strata")
struct SpecFolderTests {
  static let modeline = "# yaml-language-server: $schema=strata.schema.json\n# "

  @Test(
    "begin with the line for editors and a comment, and are named after their file",
    arguments: SpecFolder.names)
  func form(name: String) throws {
    let text = try SpecFolder.text(name)
    #expect(text.hasPrefix(Self.modeline))
    #expect(text.hasSuffix("\n") && !text.hasSuffix("\n\n"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 && $0.last != " " })
    #expect(text.contains("\nname: \(name)\n"))
  }

  @Test("have no fault, under any strategy that they can have", arguments: SpecFolder.names)
  func check(name: String) throws {
    let text = try SpecFolder.text(name)
    for strategy in ["parallel", "sequential", "end-to-end"] {
      let checked = CheckedText(text, sets: ["training.strategy=\(strategy)"])
      // Layers lose channels one after the other.
      let isPossible = !text.contains("\ncompression:") || strategy == "sequential"
      #expect(checked.codes == (isPossible ? [] : ["E051"]), "\(checked.rendered)")
    }
  }
}
