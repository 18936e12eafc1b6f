import Foundation
import Testing

@Suite("Data files against the spec")
struct DataShapeTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(Self.spec(), to: "net.yaml")
    try writeImages(height: 8, width: 8)
  }

  private static func spec(input: String = "1x8x8", classes: Int = 4, source: String = "idx") -> String {
    """
    strata: 1
    name: images
    data: {source: \(source), path: data}
    network:
      family: vgg
      input: \(input)
      classes: \(classes)
      widths: [8]
      head: gap
    training: {epochs: 1, batch: 16}

    """
  }

  /// 64 training and 32 test images of labels from 0 to 3, in MNIST's format and in NumPy's.
  private func writeImages(height: Int, width: Int) throws {
    func bigEndian(_ number: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }
    func npy(_ shape: String, _ bytes: [UInt8]) -> [UInt8] {
      var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(shape)), }"
      header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
      return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8) + bytes
    }
    for (idx, name, count) in [("train", "train", 64), ("t10k", "test", 32)] {
      let pixels = (0..<count * height * width).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) }
      let labels = (0..<count).map { UInt8($0 % 4) }
      try write(
        bigEndian(0x803) + bigEndian(count) + bigEndian(height) + bigEndian(width) + pixels,
        "\(idx)-images-idx3-ubyte")
      try write(bigEndian(0x801) + bigEndian(count) + labels, "\(idx)-labels-idx1-ubyte")
      try write(npy("\(count), \(height), \(width)", pixels), "\(name)_images.npy")
      try write(npy("\(count),", labels), "\(name)_labels.npy")
    }
  }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    try workspace.write("", to: "data/\(name)")
    try Data(bytes).write(to: workspace.url.appending(path: "data/\(name)"))
  }

  @Test("a network for other images is refused, whether or not they have as many numbers")
  func otherImages() throws {
    for source in ["idx", "npy"] {
      for input in ["1x16x4", "64x1x1", "4x4x4", "2x8x8", "1x16x16", "3x8x8"] {
        try workspace.write(Self.spec(input: input, source: source), to: "net.yaml")
        for command in [["run", "net.yaml", "-o", "out"], ["plan", "net.yaml"]] {
          let end = try StrataProcess(command, in: workspace.url)
          #expect(end.exitCode == 5, "\(source) \(input) \(command[0]): \(end.diagnostics)")
          #expect(
            end.diagnostics
              == """
              error: ./data has images of 1x8x8 (channels, height, width), but `network.input` is \(input) (net.yaml:6)
                = help: set `network.input: 1x8x8`, or name other data

              """.replacing("./data", with: "data"))
        }
      }
      try workspace.write(Self.spec(source: source), to: "net.yaml")
      let end = try workspace.strata("run", "net.yaml", "-o", source)
      #expect(end.exitCode == 0, "\(source): \(end.diagnostics)")
    }
    #expect(try workspace.names(in: ".") == ["data", "idx", "net.yaml", "npy"])
  }

  @Test("a label that the network has no class for is named by its file and byte")
  func otherClasses() throws {
    for (source, file, byte) in [
      ("idx", "train-labels-idx1-ubyte", 8 + 2), ("npy", "train_labels.npy", 128 + 2),
    ] {
      try workspace.write(Self.spec(classes: 2, source: source), to: "net.yaml")
      let end = try workspace.strata("run", "net.yaml", "-o", "out")
      #expect(end.exitCode == 5)
      #expect(
        end.diagnostics == """
          error: data/\(file): at byte \(byte): expected a label from 0 to 1, found 2: `network.classes` is 2 (net.yaml:7)
            = help: set `network.classes: 4`, or name other data

          """)
    }
    #expect(try workspace.names(in: ".") == ["data", "net.yaml"])
    // More classes than the data has are nobody's fault.
    #expect(try workspace.strata("run", "net.yaml", "-o", "out", "--set", "network.classes=7").exitCode == 0)
  }

  @Test(
    "a value of the command line is named as one, and data that has changed since the plan is held against it"
  )
  func later() throws {
    let set = try workspace.strata("plan", "net.yaml", "--set", "network.input=1x4x16")
    #expect(set.exitCode == 5 && set.diagnostics.contains("`network.input` is 1x4x16 (--set)"))
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    try writeImages(height: 4, width: 16)
    for command in [["run", "net.plan.json", "-o", "other"], ["evaluate", "out"], ["probe", "out"]] {
      let end = try StrataProcess(command, in: workspace.url)
      #expect(end.exitCode == 5 && end.diagnostics.contains("images of 1x4x16"), "\(command): \(end)")
    }
    #expect(try !workspace.names(in: ".").contains("other"))
  }

  @Test("--data where nothing is read from files is refused")
  func dataWithoutFiles() throws {
    try workspace.write(digitsSpec, to: "digits.yaml")
    #expect(try workspace.strata("run", "digits.yaml", "-o", "out").exitCode == 0)
    let synthetic = ["--set", "data.source=synthetic", "--set", "data.limit.test=100"]
    for command in [
      ["run", "digits.yaml", "-o", "other"], ["run", "digits.yaml", "-o", "other"] + synthetic,
      ["plan", "digits.yaml"], ["ir", "digits.yaml"], ["evaluate", "out"], ["probe", "out"],
    ] {
      let end = try StrataProcess(command + ["--data", "data"], in: workspace.url)
      #expect(end.exitCode == 2, "\(command): \(end)")
      #expect(end.diagnostics.contains("reads no files"), "\(command): \(end.diagnostics)")
    }
    #expect(try !workspace.names(in: ".").contains("other"))
  }

  @Test("show and diff are told where the data lies, bench asks for none")
  func elsewhere() throws {
    try workspace.write(Self.spec().replacing(", path: data", with: ""), to: "net.yaml")
    for command in [["show", "net.yaml", "--at", "peak"], ["diff", "net.yaml", "net.yaml"]] {
      let lost = try StrataProcess(command, in: workspace.url)
      #expect(lost.exitCode == 2 && lost.diagnostics.contains("pass --data PATH"), "\(command): \(lost)")
      let end = try StrataProcess(command + ["--data", "data"], in: workspace.url)
      #expect(end.exitCode == 0, "\(command): \(end.diagnostics)")
    }
    #expect(try workspace.strata("show", "net.yaml", "--data", "data").exitCode == 2)
    #expect(try workspace.strata("bench", "net.yaml", "--steps", "1").exitCode == 0)
  }
}
