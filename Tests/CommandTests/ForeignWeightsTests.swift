import Foundation
import Testing

/// `network.from` and files that other programs have written.
@Suite("Weights of other programs, from the command line")
struct ForeignWeightsTests {
  private let workspace: Workspace

  private static let spec = """
    strata: 1
    name: net
    data: {source: digits, limit: {train: 100, test: 50}}
    network: {family: vgg, widths: [8, 8]}
    training: {epochs: 1, batch: 50}

    """

  init() throws {
    workspace = try Workspace()
    try workspace.write(Self.spec, to: "net.yaml")
  }

  /// A model file as PyTorch saves the same module: other types, a count beside every batch norm, no metadata but the format.
  private func saved(_ name: String, as type: String, from run: String) throws {
    let data = try workspace.data("\(run)/model.safetensors")
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]])
    var (entries, bytes) = ([String: Any](), Data())
    func add(_ name: String, _ type: String, _ shape: [Int], _ numbers: Data) {
      entries[name] = [
        "dtype": type, "shape": shape, "data_offsets": [bytes.count, bytes.count + numbers.count],
      ]
      bytes += numbers
    }
    for (name, entry) in header.sorted(by: { $0.key < $1.key }) where name != "__metadata__" {
      let offsets = try #require(entry["data_offsets"] as? [Int])
      let shape = try #require(entry["shape"] as? [Int])
      let stored = [UInt8](data[8 + length + offsets[0]..<8 + length + offsets[1]])
      let floats = stride(from: 0, to: stored.count, by: 4).map { start in
        Float(bitPattern: stored[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
      }
      var numbers = Data()
      for float in floats {
        switch type {
        case "F64": withUnsafeBytes(of: Double(float).bitPattern) { numbers += $0 }
        case "BF16": withUnsafeBytes(of: UInt16(float.bitPattern >> 16)) { numbers += $0 }
        default: withUnsafeBytes(of: float.bitPattern) { numbers += $0 }
        }
      }
      add(name, type, shape, numbers)
      if name.hasSuffix("running_mean") {
        add(name.replacing("running_mean", with: "num_batches_tracked"), "I64", [], Data(count: 8))
      }
    }
    entries["__metadata__"] = ["format": "pt"]
    let json = try JSONSerialization.data(withJSONObject: entries)
    var file = Data(withUnsafeBytes(of: UInt64(json.count)) { Array($0) })
    file += json + bytes
    try file.write(to: workspace.url.appending(path: name))
  }

  @Test("a module that PyTorch saved starts a run; equal numbers come to equal weights")
  func theWayBack() throws {
    let first = try workspace.strata("run", "net.yaml", "-o", "first", "--threads", "1")
    try #require(first.exitCode == 0, "\(first.diagnostics)")
    let line = ["net.yaml", "--threads", "1", "--set"]
    let own = try StrataProcess(["run"] + line + ["network.from=first", "-o", "own"], in: workspace.url)
    try #require(own.exitCode == 0, "\(own.diagnostics)")
    for type in ["F32", "F64", "BF16"] {
      let file = "\(type).safetensors"
      try saved(file, as: type, from: "first")
      for command in [["check"], ["plan"], ["show"], ["ir"], ["run", "-o", type]] {
        let threads = ["check", "show"].contains(command[0]) ? [] : ["--threads", "1"]
        let process = try StrataProcess(
          command + ["net.yaml", "--set", "network.from=\(file)"] + threads, in: workspace.url)
        #expect(process.exitCode == 0, "\(command): \(process.diagnostics)")
        #expect(process.diagnostics.contains("warning[W060]: the weights at '\(file)' do not say how"))
      }
      let isSame = try workspace.data("\(type)/model.safetensors") == workspace.data("own/model.safetensors")
      #expect(isSame == (type != "BF16"), "\(type)")
    }
    let check = try workspace.strata("check", "net.yaml", "--set", "network.from=F64.safetensors")
    #expect(check.exitCode == 0 && check.output == "net.yaml: ok, with a warning\n", "\(check.diagnostics)")
    #expect(
      try workspace.strata("check", "--strict", "net.yaml", "--set", "network.from=F64.safetensors").exitCode
        == 2)
  }

  @Test(
    "a file that is something else is found by every command that reads the spec, and told for what it is")
  func somethingElse() throws {
    try workspace.write("PK\u{3}\u{4}      archive/data.pkl", to: "e.pt")
    try workspace.write("<!DOCTYPE html><html></html>", to: "page.safetensors")
    try workspace.write("", to: "empty/note.txt")
    let cases = [
      (
        "e.pt", "'e.pt' is a file of torch.save (zip), not safetensors",
        "save its state_dict() in Python: safetensors.torch.save_file("
      ),
      ("page.safetensors", "'page.safetensors' is an HTML page", "download the file itself"),
      ("empty", "'empty' is a folder without model.safetensors", "name a finished run's folder"),
    ]
    for (file, words, help) in cases {
      for command in [["check"], ["plan"], ["show"], ["ir"], ["run", "--dry-run"], ["run", "-o", "out"]] {
        let process = try StrataProcess(
          command + ["net.yaml", "--set", "network.from=\(file)"], in: workspace.url)
        #expect(process.exitCode == 2, "\(command) \(file)")
        #expect(process.diagnostics.contains("error[E160]: \(words)\n"), "\(command): \(process.diagnostics)")
        #expect(process.diagnostics.contains("= help: \(help)"), "\(command): \(process.diagnostics)")
        #expect(!process.diagnostics.contains("Not a directory"))
      }
    }
    #expect(try !workspace.names(in: ".").contains("out"))
    // What is not there yet is no fault of the spec.
    #expect(try workspace.strata("check", "net.yaml", "--set", "network.from=runs/net-7").exitCode == 0)
  }
}
