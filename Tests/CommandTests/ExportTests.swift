import Foundation
import Testing

/// What `strata predict --json` says.
struct PredictionDocument: Decodable {
  struct Prediction: Decodable {
    struct Entry: Decodable {
      var `class`: String
      var probability: Double
    }
    var file: String
    var image: Int?
    var `class`: String
    var index: Int
    var probability: Double
    var top: [Entry]
  }

  var classes: [String]
  var module: Int?
  var ensemble: [Int]?
  var predictions: [Prediction]
  var accuracy: Double?
  var confusion: [[Int]]?

  /// By image and class.
  var probabilities: [[Double]] {
    predictions.map { prediction in
      classes.map { name in prediction.top.first { $0.class == name }?.probability ?? .nan }
    }
  }
}

@Suite("Exported models")
struct ExportTests {
  private let workspace: Workspace
  /// Seven images of noise.
  private let images: [Float]

  init() throws {
    workspace = try Workspace()
    var state: UInt64 = 9
    images = (0..<7 * 3 * 9 * 12).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int64(bitPattern: state) >> 40) / 8_388_608
    }
    try workspace.write(
      NumPyFiles.array("<f4", "7, 3, 9, 12", images.withUnsafeBytes { Array($0) }), to: "x.npy")
  }

  /// Networks that between them have every operation there is a form for.
  private static let networks = [
    """
    network: {family: vgg, widths: [4, 6], batch-norm: false, activation: gelu, INPUT, head: {kind: mlp, hidden: [7]}}
    downsampling: {kind: max-pool, before: [2]}
    auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
    """,
    """
    network: {family: vgg, widths: [4, 6], kernel: [5, 1], bias: false, activation: silu, INPUT, ensemble: probabilities}
    downsampling: {kind: average-pool, before: [2]}
    auxiliary: {kind: cnn, k: 1, pool: 4}
    """,
    """
    network: {family: resnet, stem: {width: 4, pool: max}, stages: [{blocks: 1, width: 4}, {blocks: 1, width: 6}], shortcut: zero-pad, head: gap, activation: {kind: leaky-relu, slope: 0.1}, INPUT}
    auxiliary: {kind: linear, pool: 1}
    """,
    """
    network: {family: resnet, block: bottleneck, stages: [{blocks: 1, width: 4}, {blocks: 1, width: 4}], INPUT}
    auxiliary: {kind: linear}
    """,
    """
    network: {family: vgg, widths: [4, 8], input: 3x8x12, classes: 4}
    downsampling: {kind: invertible, before: [2]}
    auxiliary: {kind: mlp, hidden: 1}
    """,
  ]

  @Test("compute what the engine computes, for every module and the ensemble", arguments: networks.indices)
  func answers(index: Int) throws {
    let network = Self.networks[index].replacing("INPUT", with: "input: 3x9x12, classes: 4")
    try workspace.write(
      """
      strata: 1
      name: exported
      data: {source: synthetic, limit: {train: 48, test: 16}}
      \(network)
      training: {epochs: 2, batch: 16, optimizer: {learning-rate: 0.02}}

      """, to: "net.yaml")
    let run = try workspace.strata("run", "net.yaml", "-o", "out")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    let height = network.contains("3x8x12") ? 8 : 9
    let count = 3 * height * 12
    let numbers = Array(images[..<(7 * count)])
    try workspace.write(
      NumPyFiles.array("<f4", "7, 3, \(height), 12", numbers.withUnsafeBytes { Array($0) }), to: "x.npy")
    var moduleCount = 1
    for answer in [["--module", "1"], ["--ensemble"], []] {
      let predicted = try StrataProcess(
        ["predict", "out/model.safetensors", "x.npy", "--top", "4", "--json"] + answer, in: workspace.url)
      try #require(predicted.exitCode == 0, "\(predicted.diagnostics)")
      let ours = try JSONDecoder().decode(PredictionDocument.self, from: Data(predicted.output.utf8))
      moduleCount = max(moduleCount, ours.ensemble?.count ?? 1)
      let export = try StrataProcess(
        ["export", "out", "-o", "net.onnx", "--softmax"] + answer, in: workspace.url)
      try #require(export.exitCode == 0, "\(export.diagnostics)")
      let model = ONNXInterpreter([UInt8](try workspace.data("net.onnx")))
      #expect(model.opset == 17 && model.inputNames == ["images"] && model.outputNames == ["probabilities"])
      #expect(model.metadata["classes"] == #"["0","1","2","3"]"#)
      let theirs = model.run(
        ONNXInterpreter.Tensor(shape: [7, 3, height, 12], values: numbers.map { Double($0) }))
      #expect(theirs.shape == [7, 4])
      for (place, probability) in ours.probabilities.joined().enumerated() {
        #expect(abs(theirs.values[place] - probability) < 1e-5, "\(answer) \(place)")
      }
    }
    #expect(moduleCount > 1)
  }

  @Test("normalise inside or not, and read pixels as they are stored")
  func normalization() throws {
    try workspace.write(digitsSpec, to: "net.yaml")
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    let pixels = (0..<2 * 64).map { UInt8($0 * 5 % 17) }
    try workspace.write(NumPyFiles.array("|u1", "2, 8, 8", pixels), to: "x.npy")
    let predicted = try workspace.strata("predict", "out", "x.npy", "--top", "10", "--json")
    let ours = try JSONDecoder().decode(PredictionDocument.self, from: Data(predicted.output.utf8))
    #expect(ours.module == 2)
    let stored = pixels.map { Double($0) }
    let normalized = stored.map { ($0 / 16 - 0.305215) / 0.376322 }
    for (options, values) in [([], stored), (["--without-normalization"], normalized)] {
      let end = try StrataProcess(
        ["export", "out", "-o", "net.onnx", "--softmax"] + options, in: workspace.url)
      #expect(end.exitCode == 0, "\(end.diagnostics)")
      let model = ONNXInterpreter([UInt8](try workspace.data("net.onnx")))
      let theirs = model.run(ONNXInterpreter.Tensor(shape: [2, 1, 8, 8], values: values))
      for (place, probability) in ours.probabilities.joined().enumerated() {
        #expect(abs(theirs.values[place] - probability) < 1e-5)
      }
    }
    // Written again in the same place; anything else is left alone.
    try workspace.write("mine", to: "mine.onnx")
    let refused = try workspace.strata("export", "out", "-o", "mine.onnx")
    #expect(refused.exitCode == 2 && refused.diagnostics.contains("is not an ONNX model of Strata's"))
    #expect(try workspace.text("mine.onnx") == "mine")
  }

  @Test("a PyTorch module is a file of Python that says where its weights are")
  func pyTorch() throws {
    try workspace.write(digitsSpec, to: "net.yaml")
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    try workspace.write("", to: "models/.keep")
    for _ in 0..<2 {
      let export = try workspace.strata("export", "out", "-o", "models/model.py", "--ensemble")
      #expect(export.exitCode == 0, "\(export.diagnostics)")
    }
    let text = try workspace.text("models/model.py")
    #expect(text.contains(#""../out/model.safetensors""#))
    #expect(
      text.contains(#"self._add("layers.2.conv", nn.Conv2d(8, 16, 3, stride=1, padding=1, bias=True))"#))
    #expect(text.contains("PIXEL_SCALE = 16\n") && text.contains("F.max_pool2d("))
    if FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") {
      let check = try StrataProcess.shell("python3 -m py_compile models/model.py", in: workspace.url)
      #expect(check.exitCode == 0, "\(check.diagnostics)")
    }
    for (arguments, words) in [
      (["export", "out", "-o", "net.txt"], "ends in neither '.onnx' nor '.py'"),
      (["export", "out"], "'-o' is missing"),
      (
        ["export", "out", "-o", "a.py", "--module", "9"], "no classifier of module 9: there are those of 1, 2"
      ),
      (["export", "out", "-o", "a.py", "--module", "1", "--ensemble"], "exclude each other"),
      (["export", "x.npy", "-o", "a.py"], "x.npy"),
    ] {
      let refused = try StrataProcess(arguments, in: workspace.url)
      #expect(refused.exitCode != 0 && refused.diagnostics.contains(words), "\(refused.diagnostics)")
    }
  }
}
