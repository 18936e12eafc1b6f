import CompilerSupport
import Diagnostics
import Pipeline
import Planning
import TestSupport
import Testing

/// A spec with one fault that only shapes and counts can tell, and its place marked.
struct BadNetwork: Sendable, CustomTestStringConvertible {
  let code: String
  let marked: MarkedText
  /// `line:column`, counted by hand.
  let place: String
  /// Of the diagnostic.
  let message, label: String
  var images = 64

  var testDescription: String { "\(code) at \(place)" }

  init(
    _ code: String, _ marked: String, at place: String, _ message: String, _ label: String, images: Int = 64
  ) {
    self.code = code
    self.marked = MarkedText("strata: 1\nname: bad\n" + marked)
    self.place = place
    self.message = message
    self.label = label
    self.images = images
  }

  static let all = [
    BadNetwork(
      "E101",
      """
      network: {family: vgg, input: 3x12x12, widths: [8, 8, 8]}
      downsampling: {kind: ⟦invertible⟧, before: [1, 2, 3]}
      training: {}
      """, at: "4:22", "layer 3 can't read a 3x3 image folded into channels", "needs even sides"),
    BadNetwork(
      "E101",
      """
      network: {family: vgg, input: 3x7x7, widths: [8, 8, 8]}
      downsampling: {before: [1, {at: 2, kind: ⟦invertible⟧}]}
      training: {}
      """, at: "4:42", "layer 2 can't read a 3x3 image folded into channels", "needs even sides"),
    BadNetwork(
      "E140",
      """
      network: {family: vgg, input: 3x12x12, widths: [8, 8, 8, 8]}
      downsampling: {before: [1, 2, 3, ⟦4⟧]}
      training: {}
      """, at: "4:34", "layer 4 would read a pooled 1x1 image, of which nothing is left",
      "no 2x2 window fits"),
    BadNetwork(
      "E140",
      """
      network: {family: vgg, input: 3x8x3, widths: [8, 8]}
      downsampling: {kind: average-pool, before: [1, ⟦2⟧]}
      training: {}
      """, at: "4:48", "layer 2 would read a pooled 4x1 image, of which nothing is left",
      "no 2x2 window fits"),
    BadNetwork(
      "E101",
      """
      network:
        family: resnet
        input: 3x8x6
        stages:
          - {blocks: 1, width: 4}
          - {blocks: 2, width: 8}
          - {blocks: 1, width: 8}
      downsampling:
        kind: ⟦invertible⟧
        schedule: standard
      training: {}
      """, at: "11:9", "block 4 can't read a 4x3 image folded into channels", "needs even sides"),
    BadNetwork(
      "E102",
      """
      network: {family: vgg, widths: [8, 8]}
      downsampling:
        before:
          - 1
          - ⟦3⟧
      training: {}
      """, at: "7:7", "there is no layer 3", "the network has 2 layers"),
    BadNetwork(
      "E102",
      """
      network: {family: resnet, stages: [{blocks: 1, width: 8}]}
      training: {partition: {cuts: [1, ⟦2⟧]}}
      """, at: "4:34", "there is no block 2", "the network has 1 block"),
    BadNetwork(
      "E104",
      """
      network: {family: vgg, widths: [8, 8]}
      training: {partition: {modules: ⟦3⟧}}
      """, at: "4:33", "3 modules are more than the network has layers", "2 layers"),
    BadNetwork(
      "E104",
      """
      network: {family: resnet, stages: [{blocks: 2, width: 8}]}
      training: {partition: {modules: ⟦4⟧}}
      """, at: "4:33", "4 modules are more than the network has blocks", "2 blocks and the stem"),
    BadNetwork(
      "E106",
      """
      network: {family: vgg, input: 3x8x16, widths: [8, 8]}
      auxiliary: {kind: ⟦vgg⟧}
      training: {}
      """, at: "4:19", "the vgg auxiliary needs images of at least 9x9", "gets 8x16"),
    BadNetwork(
      "E106",
      """
      network: {family: vgg, input: 3x2x1, widths: [8], head: ⟦vgg⟧}
      training: {}
      """, at: "3:57", "the vgg head needs images of at least 2x2", "gets 2x1"),
    BadNetwork(
      "E110",
      """
      network: {family: vgg, widths: [8, 8]}
      auxiliary: {kind: linear, overrides: [{module: 2, kind: mlp}, {module: ⟦3⟧, kind: mlp}]}
      training: {}
      """, at: "4:72", "there is no module 3", "the partition makes 2 modules"),
    BadNetwork(
      "E110",
      """
      network: {family: vgg, widths: [8, 8]}
      training:
        partition: {modules: 1}
        overrides:
          - module: ⟦2⟧
            epochs: 3
      """, at: "7:15", "there is no module 2", "the partition makes 1 module"),
    BadNetwork(
      "E111",
      """
      network: {family: vgg, input: 3x16384x16384, widths: [⟦4096⟧]}
      training: {}
      """, at: "3:55", "layer 1 would be larger than any machine's memory", "more than 2^40 numbers"),
    BadNetwork(
      "E111",
      """
      data: {limit: {test: ⟦1000000000⟧}}
      network: {family: vgg, input: 1x16384x16384, widths: [1], kernel: 1, batch-norm: false}
      training: {}
      """, at: "3:22", "the features of all 2000000000 images would be larger than any machine's memory",
      "more than 2^60 bytes behind one module", images: 1_000_000_000),
    BadNetwork(
      "E112",
      """
      network: {family: vgg, widths: [8, 8]}
      auxiliary: {kind: cnn, width: [⟦8⟧, 8, 8]}
      training: {}
      """, at: "4:32", "a list of auxiliary widths needs one entry a module", "3 for 2 modules"),
    BadNetwork(
      "E113",
      """
      network: {family: vgg, input: 3x1x1, widths: [⟦8⟧]}
      training: {batch: 1}
      """, at: "3:47", "batch norm needs more than one value a channel", "a batch of one 1x1 image"),
    BadNetwork(
      "E114",
      """
      network: {family: vgg, widths: [8]}
      training: {batch: ⟦65⟧, drop-last: true}
      """, at: "4:19", "no batch of 65 can be filled", "64 training images, and `drop-last` is on"),
    BadNetwork(
      "E115",
      """
      network: {family: vgg, widths: [8]}
      training:
        strategy: sequential
        start: {every: ⟦2⟧}
      """, at: "6:18", "'training.start' belongs to parallel training", "the strategy is sequential"),
    BadNetwork(
      "E116",
      """
      network: {family: vgg, input: 3x1024x1024, widths: [8192, ⟦8192⟧]}
      training: {batch: 1}
      """, at: "3:59", "layer 2 would take longer than any machine lasts",
      "more than 2^46 multiply-adds an image"),
    BadNetwork(
      "E117",
      """
      network: {family: vgg, widths: [8]}
      auxiliary: mlp
      training: {batch: ⟦9⟧}
      """, at: "5:19",
      "the last batch of an epoch would be a single image, which batch norm can't normalise",
      "64 images leave one over"),
    BadNetwork(
      "E118",
      """
      network:
        family: resnet
        shortcut: zero-pad
        stages: [{blocks: 1, width: 16}, {blocks: 1, width: ⟦8⟧}]
      training: {}
      """, at: "6:55", "block 2 reads more channels than a zero-padded shortcut can pass on",
      "8 channels from 16"),
    BadNetwork(
      "E119",
      """
      data: {augment: {pad-crop: 2}}
      network: {family: vgg, widths: [8]}
      training: {}
      memory: {features: ⟦cache⟧}
      """, at: "6:20", "features of augmented images can't be kept", "every epoch draws its images anew"),
    BadNetwork(
      "E130",
      """
      network: {family: vgg, widths: [8, 8]}
      training:
        strategy: asynchronous
        asynchronous: {order: sequential, slow: {module: ⟦2⟧, by: 1.5}}
      """, at: "6:52", "no module is slow where all work in turn", "the order is sequential"),
    BadNetwork(
      "E131",
      """
      network: {family: vgg, widths: [8, 8], frozen: ⟦1⟧}
      training: {}
      """, at: "3:48", "'network.frozen' keeps modules that are stored, and none are",
      "without 'network.from'"),
    BadNetwork(
      "E131",
      """
      network: {family: vgg, widths: [8, 8], from: runs/a, frozen: ⟦2⟧}
      training: {}
      """, at: "3:62", "nothing is left to train", "of 2 modules"),
    BadNetwork(
      "E131",
      """
      network: {family: vgg, widths: [8, 8], from: runs/a, frozen: ⟦1⟧}
      training: {strategy: end-to-end}
      """, at: "3:62", "end-to-end training has one module, and trains it", "to be kept"),
    BadNetwork(
      "E131",
      """
      network: {family: vgg, widths: [8, 8], from: runs/a, frozen: 1}
      training: {overrides: [{module: ⟦1⟧, epochs: 3}]}
      """, at: "4:33", "module 1 is kept as it is stored, and cannot be trained differently", "of the first 1"
    ),
    BadNetwork(
      "E131",
      """
      network: {family: vgg, widths: [8, 8, 8], from: runs/a, frozen: 1}
      training:
        strategy: asynchronous
        asynchronous: {slow: {module: ⟦1⟧, by: 2}}
      """, at: "6:33", "module 1 is kept as it is stored, and cannot be slow at learning", "of the first 1"),
    BadNetwork(
      "E132",
      """
      network: {family: vgg, widths: [8, 8], from: ⟦runs/a⟧}
      training: {}
      """, at: "3:46", "the weights at 'runs/a' are not at hand", "needed to plan"),
    BadNetwork(
      "E133",
      """
      network: {family: vgg, widths: [8, 8]}
      training: {strategy: sequential}
      compression: {width: 4, epochs: 1, pictures: ⟦65⟧}
      """, at: "5:46", "'compression.pictures' asks for more images than there are",
      "there are 64 to train on"),
    BadNetwork(
      "E134",
      """
      network: {family: vgg, input: 3x256x256, widths: [512, 512]}
      training: {epochs: ⟦1000000⟧}
      """, at: "4:20", "training would take more multiply-adds than can be counted", "more than 2^62 in all"),
    BadNetwork(
      "E134",
      """
      network: {family: vgg, input: 3x256x256, widths: [512, 512]}
      training: {epochs: 9, overrides: [{module: 2, epochs: ⟦1000000⟧}]}
      """, at: "4:55", "training would take more multiply-adds than can be counted", "more than 2^62 in all"),
    BadNetwork(
      "E134",
      """
      network: {family: vgg, input: 3x256x256, widths: [512, 512]}
      training: {strategy: sequential, epochs: 9}
      compression: {width: 256, epochs: ⟦1000000⟧}
      """, at: "5:35", "training would take more multiply-adds than can be counted", "more than 2^62 in all"),
    BadNetwork(
      "E134",
      """
      network: {family: vgg, input: 1x1x1, widths: [{width: 1, repeat: 4300}], kernel: 1, batch-norm: false}
      training: {start: {every: ⟦1000000⟧}}
      """, at: "4:27", "training would take more epochs than can be counted",
      "the last module would begin behind more than 2^32"),
    BadNetwork(
      "E135",
      """
      network: {family: vgg, widths: [8, 8]}
      auxiliary: {kind: mlp, hidden: 1}
      training: {strategy: sequential}
      compression: {width: 4, epochs: 1, pictures: ⟦1⟧}
      """, at: "6:46", "channels would be ranked over a single image, which batch norm can't normalise",
      "one image"),
    BadNetwork(
      "E135",
      """
      network: {family: vgg, widths: [8, 8]}
      auxiliary: {kind: mlp, hidden: 1}
      training: {strategy: sequential, batch: ⟦2⟧, drop-last: true}
      compression: {width: 4, epochs: 1}
      """, at: "5:41", "channels would be ranked over a single image, which batch norm can't normalise",
      "63 images, 2 at once, leave one over", images: 63),
  ]
}

@Suite("Faults that only lowering can tell")
struct LoweringDiagnosticTests {
  private func faults(_ text: String, images: Int = 64) throws -> SpecFaults? {
    let spec = try DecodedSpec(text)
    do throws(SpecFaults) {
      _ = try spec.plan(images: images)
      return nil
    } catch {
      return error
    }
  }

  @Test("are told once, at their place", arguments: BadNetwork.all)
  func place(bad: BadNetwork) throws {
    let faults = try #require(try faults(bad.marked.text, images: bad.images))
    let rendered = Comment(rawValue: faults.description)
    #expect(faults.diagnostics.map(\.code) == [bad.code], rendered)
    let diagnostic = faults.diagnostics[0]
    #expect(diagnostic.primary.utf8 == bad.marked.ranges[0], rendered)
    #expect(faults.description.contains("--> net.yaml:\(bad.place)\n"), rendered)
    #expect(diagnostic.message == bad.message)
    #expect(diagnostic.label == bad.label)
    #expect(diagnostic.help != nil)
  }

  @Test("are all tried here")
  func everyCode() {
    // Those of files, of images and of weights, are other tests' business.
    let codesOfFiles = ["E150", "E151", "E160", "E161"]
    let codes = allExplanations.map(\.code).filter { $0.hasPrefix("E1") && !codesOfFiles.contains($0) }
    #expect(Set(BadNetwork.all.map(\.code)) == Set(codes))
  }

  @Test("a single image ranks channels wherever no batch norm of one pixel is in the way")
  func rankingOfOne() throws {
    func text(_ auxiliary: String, _ compression: String) -> String {
      """
      strata: 1
      name: one
      network: {family: vgg, widths: [8, 8], head: gap}
      auxiliary: \(auxiliary)
      training: {strategy: sequential}
      compression: {epochs: 1, pictures: 1, \(compression)}
      """
    }
    let perceptron = "{kind: mlp, hidden: 1}"
    #expect(try faults(text(perceptron, "width: 4"))?.diagnostics.map(\.code) == ["E135"])
    #expect(try faults(text("linear", "width: 4")) == nil)
    #expect(try faults(text(perceptron, "width: 4, criterion: activation")) == nil)
    // The module with the perceptron is not ranked.
    #expect(try faults(text(perceptron, "width: [8, 4]")) == nil)
    // A budget that would cut batches to single images is met in another way, or not at all.
    var pieces = PlanChoices()
    pieces.microBatch = 2
    let odd = text(perceptron, "width: 4").replacing("pictures: 1,", with: "pictures: 63,")
    #expect(throws: Never.self) { try DecodedSpec(odd).plan() }
    #expect {
      try DecodedSpec(odd).plan(choices: pieces)
    } throws: { error in
      (error as? SpecFaults)?.diagnostics.map(\.code) == ["E135"]
    }
  }

  @Test("come with the place that made the image, or asked for the shortcut")
  func notes() throws {
    let odd = try #require(try faults(BadNetwork.all[0].marked.text))
    #expect(
      odd.diagnostics[0].notes.map(\.label) == ["folds 3x3", "layer 2 makes 3x3 images of 8 channels"])
    let shortcut = try #require(BadNetwork.all.first { $0.code == "E118" })
    let told = try #require(try faults(shortcut.marked.text))
    #expect(told.diagnostics[0].notes.map(\.label) == ["'zero-pad' only adds channels"])
  }

  @Test("of several kinds are told together")
  func together() throws {
    let faults = try #require(
      try faults(
        """
        strata: 1
        name: bad
        network: {family: vgg, input: 3x8x8, classes: 4, widths: [8, 8], frozen: 1}
        auxiliary: {kind: cnn, width: [8], overrides: [{module: 7, kind: mlp}]}
        training: {strategy: sequential, start: {every: 2}}
        """))
    #expect(faults.diagnostics.map(\.code).sorted() == ["E110", "E112", "E115", "E131"])
  }

  @Test("of layers, partition and modules are told together: numbers need no shapes")
  func numbers() throws {
    let faults = try #require(
      try faults(
        """
        strata: 1
        name: bad
        network: {family: vgg, widths: [8, 8, 8]}
        downsampling: {before: [2, 9]}
        auxiliary: {kind: linear, overrides: [{module: 7, kind: mlp}]}
        training: {partition: {modules: 9}, overrides: [{module: 3, epochs: 2}, {module: 9, epochs: 2}]}
        """))
    #expect(faults.diagnostics.map(\.code).sorted() == ["E102", "E104", "E110", "E110"])
    #expect(
      faults.diagnostics.filter { $0.code == "E110" }.allSatisfy {
        $0.label == "the network has room for 3 modules"
      })
    // With a sound partition it is the partition that counts.
    let partition = try #require(
      try self.faults(
        """
        strata: 1
        name: bad
        network: {family: resnet, stages: [{blocks: 3, width: 8}]}
        downsampling: {before: [7]}
        training: {partition: {cuts: [2]}, overrides: [{module: 2, epochs: 2}, {module: 3, epochs: 2}]}
        """))
    #expect(partition.diagnostics.map(\.code).sorted() == ["E102", "E110"])
    #expect(partition.diagnostics.contains { $0.label == "the partition makes 2 modules" })
  }

  @Test("end-to-end training leaves overrides for other strategies alone, and checks the partition")
  func endToEnd() throws {
    let text = """
      strata: 1
      name: one
      network: {family: vgg, widths: [8, 8]}
      training: {strategy: end-to-end, overrides: [{module: 2, epochs: 3}], partition: {modules: 2}}
      """
    #expect(try faults(text) == nil)
    let tooMany = try #require(try faults(text.replacing("modules: 2", with: "modules: 3")))
    #expect(tooMany.diagnostics.map(\.code) == ["E104"])
  }
}
