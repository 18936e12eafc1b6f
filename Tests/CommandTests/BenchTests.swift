import Foundation
import Testing

@Suite("Measuring a step")
struct BenchTests {
  private struct Report: Decodable {
    var schema: String
    var steps: Int
    var imagesPerSecond: Double
  }

  private static let head = """
    strata: 1
    name: measured
    data: {source: cifar10, limit: {train: 30000}}
    network: {family: vgg, widths: [4, 4], head: {kind: cnn, k: 2, width: 4}}
    downsampling: {kind: max-pool, before: [1, 2]}
    auxiliary: {kind: cnn, k: 2, width: 4}

    """

  @Test(
    "made-up pictures stand for the data set, whatever the spec says of how many it has",
    arguments: [
      // Ranks its channels over more pictures than there are made up.
      "training: {strategy: sequential, batch: 16}\ncompression: {width: [2, 2], epochs: 1, pictures: 5000}\n",
      // Fills a batch with no fewer than 1,500.
      "training: {batch: 1500, drop-last: true}\n",
    ])
  func ownPictures(training: String) throws {
    let workspace = try Workspace()
    try workspace.write(Self.head + training, to: "net.yaml")
    let plan = try workspace.strata("plan", "net.yaml")
    #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    let bench = try workspace.strata("bench", "net.yaml", "--steps", "1", "--json")
    #expect(bench.exitCode == 0, "\(bench.diagnostics)")
    let report = try JSONDecoder().decode(Report.self, from: Data(bench.output.utf8))
    #expect(report.schema == "strata.bench/1" && report.steps == 1 && report.imagesPerSecond > 0)
  }
}
