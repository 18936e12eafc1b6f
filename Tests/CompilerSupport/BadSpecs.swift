/// One fault each: its code and, marked, its exact place. Fragments are completed with the keys that every spec needs.
package struct BadSpec: Sendable {
  package var code: String
  package var fragment: String
  /// Whether a spec can be had in spite of it.
  package var leavesSpec: Bool
  package var isComplete: Bool

  package init(_ code: String, _ fragment: String, leavesSpec: Bool = false, complete: Bool = false) {
    self.code = code
    self.fragment = fragment
    self.leavesSpec = leavesSpec
    isComplete = complete
  }

  package var marked: MarkedSpec { MarkedSpec(isComplete ? fragment : completed(fragment)) }
}

package let badTexts = [
  BadSpec("E003", "name: a⟦\u{0}⟧b\n"),
  BadSpec("E003", "name: é⟦\u{7}⟧\n"),
  BadSpec("E003", "name: a⟦\u{FFFE}⟧\n"),
  BadSpec("E004", "training:\n⟦\t⟧epochs: 1\n"),
  BadSpec("E004", "training:\n  ⟦\t⟧epochs: 1\n"),
  BadSpec("E005", "strata: 1\nname: a⟦⟧: b\n"),
  BadSpec("E005", "data: ⟪⟫{source: digits\ntraining⟦⟧: {}\n"),
  BadSpec("E005", "name: ⟪⟫\"é\n⟦⟧", complete: true),
  BadSpec("E005", "⟪⟫training:\n  epochs: 1\n ⟦⟧seed: 1\n"),
  BadSpec(
    "E006", "data: " + String(repeating: "[", count: 63) + "⟦[⟧" + String(repeating: "]", count: 64) + "\n"),
  BadSpec("E007", "name: ⟦&⟧anchor a\n", leavesSpec: true),
  BadSpec("E007", "memory: {features: ⟦*other⟧}\n", leavesSpec: true),
  BadSpec("E007", "training:\n  <<: ⟦*base⟧\n", leavesSpec: true),
  BadSpec("E008", "name: ⟦!⟧!str a\n", leavesSpec: true),
  BadSpec("E008", "memory: ⟦!⟧own {features: auto}\n", leavesSpec: true),
  BadSpec(
    "E009",
    "numerics: fast\nstrata: 1\nname: a\nnetwork: {family: vgg, widths: [8]}\ntraining: {}\n⟦---⟧\na: 1\n",
    leavesSpec: true, complete: true),
  BadSpec("E010", "data: {⟦[source]⟧: digits}\n", leavesSpec: true),
  BadSpec("E010", "memory:\n  ? ⟦{a: b}⟧\n  : c\n", leavesSpec: true),
  BadSpec("E011", "⟦⟧", complete: true),
  BadSpec("E011", "⟦⟧# nothing\n", complete: true),
  BadSpec("E011", "- ⟦strata⟧\n", complete: true),
  BadSpec("E011", "⟦strata⟧\n", complete: true),
]

package let badKeys = [
  BadSpec("E020", "training:\n  ⟪epochs⟫: 2\n  ⟦epochs⟧: 20\n", leavesSpec: true),
  BadSpec("E020", "⟪name⟫: a\nnumerics: fast\n⟦\"name\"⟧: b\n", leavesSpec: true),
  BadSpec("E021", "⟦downsmpling⟧:\n  before: [1]\n"),
  BadSpec("E021", "⟦é⟧: 1\n", leavesSpec: true),
  BadSpec("E021", "training: {⟦learning_rte⟧: 1}\n", leavesSpec: true),
  BadSpec("E021", "training: {optimizer: {⟦lr⟧: 0.1}}\n", leavesSpec: true),
  BadSpec("E021", "training: {⟦batch-size⟧: 8}\n", leavesSpec: true),
  BadSpec("E021", "network: {family: vgg, ⟦channels⟧: [8]}\n"),
  BadSpec("E021", "auxiliary:\n  kind: cnn\n  ⟦widht⟧: 8\n", leavesSpec: true),
  BadSpec("E022", "auxiliary: {kind: ⟪mlp-sr⟫, ⟦k⟧: 3}\n", leavesSpec: true),
  BadSpec("E022", "auxiliary: {⟦hidden⟧: 3}\n", leavesSpec: true),
  BadSpec("E022", "⟦epochs⟧: 3\n", leavesSpec: true),
  BadSpec("E022", "training: {⟦widths⟧: [3]}\n", leavesSpec: true),
  BadSpec(
    "E022", "data: {source: ⟪digits⟫, ⟦path⟧: a}\nnetwork: {family: vgg, widths: [8]}\n", leavesSpec: true),
  BadSpec(
    "E022", "network: {family: ⟪resnet⟫, stages: [{blocks: 1, width: 8}], ⟦kernel⟧: 3}\n", leavesSpec: true),
  BadSpec("E022", "training: {optimizer: {kind: ⟪adam⟫, ⟦momentum⟧: 0.5}}\n", leavesSpec: true),
  BadSpec("E023", "⟦strata⟧: 1\nname: a\ntraining: {}\n", complete: true),
  BadSpec(
    "E023", "⟦strata⟧: 1\nnetwork: {family: vgg, widths: [1]}\ntraining: {}\n", leavesSpec: true,
    complete: true),
  BadSpec("E023", "⟦network⟧: {family: vgg}\n"),
  BadSpec("E023", "training:\n  ⟦schedule⟧: {kind: step, every: 15}\n", leavesSpec: true),
  BadSpec(
    "E023", "training:\n  ⟦schedule⟧: {kind: milestones, at: [1]}\n",
    leavesSpec: true),
  BadSpec("E023", "auxiliary:\n  overrides:\n    - ⟦kind: cnn⟧\n"),
  BadSpec("E023", "⟦downsampling⟧: {kind: stride}\n"),
  BadSpec("E023", "training: {⟦partition⟧: {}}\n"),
  BadSpec("E150", "data: {source: npy}\n⟦network⟧: {family: vgg, widths: [8], classes: 3}\n"),
  BadSpec("E150", "data: {source: idx}\n⟦network⟧: {family: vgg, widths: [8]}\n"),
  BadSpec(
    "E151",
    "data: {source: image-folder, image: {resize: ⟦20⟧}}\nnetwork: {family: vgg, widths: [8], classes: 2, input: ⟪3x24x24⟫}\n",
    leavesSpec: true),
  BadSpec(
    "E151",
    "data: {source: image-folder}\nnetwork: {family: vgg, widths: [8], classes: 2, input: ⟦2x24x24⟧}\n",
    leavesSpec: true),
  BadSpec("E024", "training:\n  ⟦epochs⟧:\n", leavesSpec: true),
  BadSpec("E024", "memory:\n  budget: ⟦null⟧\n", leavesSpec: true),
  BadSpec("E024", "⟦data⟧:\n"),
  BadSpec("E025", "downsampling: {⟪before⟫: [1], ⟦schedule⟧: standard}\n"),
  BadSpec("E025", "training: {partition: {⟪cuts⟫: [2], ⟦modules⟧: 2}}\n"),
]

package let badValues = [
  BadSpec("E030", "training: {epochs: ⟦\"2\"⟧}\n", leavesSpec: true),
  BadSpec("E030", "training: {epochs: ⟦[2, 3]⟧}\n", leavesSpec: true),
  BadSpec("E030", "data: ⟦digits⟧\n"),
  BadSpec(
    "E030", "training:\n  optimizer:\n    learning-rate: ⟦0,1⟧\n",
    leavesSpec: true),
  BadSpec("E030", "name: ⟦42⟧\n", leavesSpec: true),
  BadSpec("E030", "name: ⟦true⟧\n", leavesSpec: true),
  BadSpec("E030", "network: {family: vgg, widths: ⟦64⟧}\n"),
  BadSpec("E030", "network:\n  family: vgg\n  widths:\n    - ⟦wide⟧\n"),
  BadSpec("E030", "network: {family: vgg, widths: [8], input: ⟦[3, 32, 32]⟧}\n"),
  BadSpec("E030", "network: {family: vgg, widths: [8], head: {kind: mlp-sr, hidden: ⟦[8]⟧}}\n"),
  BadSpec("E031", "training: {drop-last: ⟦yes⟧}\n", leavesSpec: true),
  BadSpec("E031", "training: {optimizer: {nesterov: ⟦off⟧}}\n", leavesSpec: true),
  BadSpec("E031", "network: {family: vgg, widths: [8], bias: ⟦True⟧}\n", leavesSpec: true),
  BadSpec("E032", "training: {batch: ⟦1e3⟧}\n", leavesSpec: true),
  BadSpec("E032", "training: {batch: ⟦1_000⟧}\n", leavesSpec: true),
  BadSpec("E032", "training: {batch: ⟦2.5⟧}\n", leavesSpec: true),
  BadSpec("E032", "network: {family: vgg, widths: [8, ⟦8.0⟧]}\n"),
  BadSpec("E032", "training: {seed: ⟦1e3⟧}\n", leavesSpec: true),
  BadSpec("E033", "training: {epochs: ⟦99999999999999999999⟧}\n", leavesSpec: true),
  BadSpec("E033", "training: {seed: ⟦18446744073709551616⟧}\n", leavesSpec: true),
  BadSpec("E034", "training: {epochs: ⟦0⟧}\n", leavesSpec: true),
  BadSpec("E034", "training: {seed: ⟦-1⟧}\n", leavesSpec: true),
  BadSpec("E034", "training: {optimizer: {momentum: ⟦1.0⟧}}\n", leavesSpec: true),
  BadSpec("E034", "training: {optimizer: {learning-rate: ⟦1e999⟧}}\n", leavesSpec: true),
  BadSpec("E034", "training: {optimizer: {weight-decay: ⟦.nan⟧}}\n", leavesSpec: true),
  BadSpec("E034", "memory: {budget: ⟦101%⟧}\n", leavesSpec: true),
  BadSpec("E034", "network: {family: vgg, widths: [8], input: ⟦0x8x8⟧}\n"),
  BadSpec("E034", "network: {family: vgg, widths: [{width: 8, repeat: ⟦0⟧}]}\n"),
  BadSpec("E035", "downsampling: {kind: ⟦maxpool⟧, before: [1]}\n"),
  BadSpec("E035", "training: {strategy: ⟦paralel⟧}\n", leavesSpec: true),
  BadSpec("E035", "auxiliary: ⟦gap⟧\n"),
  BadSpec("E035", "network: {family: ⟦VGG⟧, widths: [8]}\n"),
  BadSpec("E035", "memory: {features: ⟦yes⟧}\n", leavesSpec: true),
  BadSpec("E036", "name: ⟦My Net⟧\n", leavesSpec: true),
  BadSpec("E036", "name: ⟦\"\"⟧\n", leavesSpec: true),
  BadSpec("E036", "name: ⟦naïve⟧\n", leavesSpec: true),
  BadSpec("E037", "network: {family: vgg, widths: [8], input: ⟦3X32X32⟧}\n"),
  BadSpec("E037", "network: {family: vgg, widths: [8], input: ⟦32x32⟧}\n"),
  BadSpec("E038", "memory: {budget: ⟦2GB⟧}\n", leavesSpec: true),
  BadSpec("E038", "memory: {budget: ⟦lots⟧}\n", leavesSpec: true),
  BadSpec("E039", "network: {family: vgg, widths: ⟦[]⟧}\n"),
  BadSpec("E039", "network: {family: vgg, widths: ⟦[{width: 8, repeat: 9999}, {width: 8, repeat: 2}]⟧}\n"),
  BadSpec(
    "E039",
    "network:\n  family: resnet\n  stages:\n    - ⟦blocks: 6000\n      width: 8\n    - blocks: 6000\n      width: 8⟧\n"
  ),
]

package let badRelations = [
  BadSpec("E040", "network: {family: vgg, widths: [8], kernel: ⟦4⟧}\n", leavesSpec: true),
  BadSpec(
    "E040", "network: {family: resnet, stages: [{blocks: 1, width: 8, kernel: ⟦2⟧}]}\n", leavesSpec: true),
  BadSpec(
    "E040", "network: {family: resnet, stem: {kernel: ⟦2⟧}, stages: [{blocks: 1, width: 8}]}\n",
    leavesSpec: true),
  BadSpec("E041", "downsampling: {before: [⟪2⟫, ⟦2⟧]}\n"),
  BadSpec("E041", "downsampling: {before: [⟪3⟫, {at: ⟦1⟧, kind: stride}]}\n"),
  BadSpec("E041", "training: {schedule: {kind: milestones, at: [⟪3⟫, ⟦1⟧], factor: 0.1}}\n"),
  BadSpec("E042", "network: {family: vgg, widths: ⟪[8, 8]⟫, kernel: ⟦[3]⟧}\n"),
  BadSpec("E042", "network: {family: vgg, widths: ⟪[{width: 8, repeat: 3}]⟫, batch-norm: ⟦[true, false]⟧}\n"),
  BadSpec("E043", "training: {partition: ⟦per-block⟧}\n", leavesSpec: true),
  BadSpec(
    "E043",
    "network: {family: resnet, stages: [{blocks: 1, width: 8}]}\ntraining: {partition: ⟦per-layer⟧}\n",
    leavesSpec: true),
  BadSpec("E044", "network: {family: resnet, stages: [{blocks: 1, width: 8}], bias: ⟦[true]⟧}\n"),
  BadSpec(
    "E045", "data: {source: ⟪digits⟫}\nnetwork: {family: vgg, widths: [8], input: ⟦3x32x32⟧}\n",
    leavesSpec: true),
  BadSpec(
    "E045", "data: {source: ⟪cifar100⟫}\nnetwork: {family: vgg, widths: [8], classes: ⟦10⟧}\n",
    leavesSpec: true),
  BadSpec("E046", "data: {source: digits, limit: {train: ⟦1438⟧}}\n", leavesSpec: true),
  BadSpec("E046", "data: {source: cifar10, limit: {test: ⟦10001⟧}}\n", leavesSpec: true),
  BadSpec("E047", "data: {source: digits, normalize: {mean: ⟦[0.5, 0.5]⟧, std: [0.2]}}\n", leavesSpec: true),
  BadSpec("E048", "training: {optimizer: {momentum: ⟪0⟫, nesterov: ⟦true⟧}}\n", leavesSpec: true),
  BadSpec("E049", "auxiliary: {overrides: [{module: ⟪2⟫, kind: mlp}, {module: ⟦2⟧}]}\n", leavesSpec: true),
  BadSpec("E049", "training: {overrides: [{module: ⟪1⟫, epochs: 2}, {module: ⟦1⟧}]}\n", leavesSpec: true),
  BadSpec(
    "E042",
    "network: {family: vgg, ⟪widths⟫: [8, 8]}\ntraining: {strategy: sequential}\ncompression: {width: ⟦[4]⟧, epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E051", "training: {strategy: ⟦parallel⟧}\n⟪compression⟫: {width: 4, epochs: 1}\n", leavesSpec: true),
  BadSpec("E051", "⟦training⟧: {epochs: 1}\n⟪compression⟫: {width: 4, epochs: 1}\n", leavesSpec: true),
  BadSpec(
    "E052",
    "training: {strategy: sequential, partition: {modules: ⟦2⟧}}\n⟪compression⟫: {width: 4, epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E052", "training: {strategy: sequential, partition: ⟦auto⟧}\n⟪compression⟫: {width: 4, epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E052",
    "network: {⟪family⟫: resnet, stages: [{blocks: 1, width: 8}]}\ntraining: {strategy: sequential}\n⟦compression⟧: {width: 4, epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E052",
    "network: {family: vgg, widths: [8, 8], from: ⟪runs/a⟫}\ntraining: {strategy: sequential}\n⟦compression⟧: {width: 4, epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E053",
    "network: {family: vgg, widths: [8, ⟪6⟫]}\ntraining: {strategy: sequential}\ncompression: {width: ⟦7⟧, epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E053",
    "network: {family: vgg, widths: [⟪8⟫, 6]}\ntraining: {strategy: sequential}\ncompression: {width: [⟦9⟧, 6], epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E053",
    "network: {family: vgg, widths: [8, 6]}\ntraining: {strategy: sequential}\ncompression: {width: [⟦8⟧, 6], epochs: 1}\n",
    leavesSpec: true),
  BadSpec(
    "E022",
    "training: {strategy: sequential}\ncompression: {width: 4, epochs: 1, criterion: ⟪weight-norm⟫, ⟦pictures⟧: 9}\n",
    leavesSpec: true),
  BadSpec("E050", "strata: ⟦2⟧\n"),
]
