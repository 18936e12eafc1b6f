extension SpecTable {
  static let network = SectionShape(
    [
      SpecKey(
        "family", .word(["vgg", "resnet"]), .required, structural: true, alsoKnownAs: ["kind", "type"],
        "a stack of convolutions, or of residual blocks"),
      SpecKey(
        "from", .path, .absent("`init`"), alsoKnownAs: ["weights", "pretrained"],
        "a run's folder or its model.safetensors whose weights the network starts with; starts as `data.path` does"
      ),
      SpecKey(
        "frozen", .integer(0...Limits.items), .absent("`0`"), unit: "modules",
        alsoKnownAs: ["freeze", "keep"],
        "the first so many modules stay as `from` has them, and are not trained"),
      SpecKey(
        "ensemble", .word(EnsembleKind.self), .absent("`logits`"),
        "what the ensemble over depth takes the mean of, with weights 2^j: the modules' logits, or their softmax"
      ),
      SpecKey(
        "input", .image, .derived("the data's"), unit: "channels x height x width", structural: true,
        "shape of one image"),
      SpecKey(
        "classes", .integer(2...Limits.classes), .derived("the data's"), structural: true,
        alsoKnownAs: ["num-classes"], "how many labels there are"),
      SpecKey(
        "widths",
        .list(
          .either([
            .integer(1...Limits.channels),
            .section(
              SectionShape([
                SpecKey(
                  "width", .integer(1...Limits.channels), .required, unit: "channels", structural: true,
                  "output channels of each of the layers"),
                SpecKey(
                  "repeat", .integer(1...Limits.items), .value(.integer(1)), unit: "layers", structural: true,
                  "how many such layers follow one another"),
              ])),
          ]), count: 1...Limits.items), .required, kinds: ["vgg"], unit: "channels", structural: true,
        alsoKnownAs: ["channels", "layers", "features"], "output channels, one entry a layer"),
      SpecKey(
        "kernel",
        .either([
          .integer(1...11, odd: true), .list(.integer(1...11, odd: true), count: 1...Limits.items),
        ]), .value(.integer(3)), kinds: ["vgg"], unit: "pixels",
        alsoKnownAs: ["kernel-size", "kernels"],
        "side of the layers' convolutions: one for all, or one a layer"),
      SpecKey(
        "block", .word(BlockKind.self), .value(.word("basic")), kinds: ["resnet"], structural: true,
        "two 3x3 convolutions, or 1x1, 3x3, 1x1 with four times the width behind"),
      SpecKey(
        "stem", .section(stem), .absent("its keys' defaults"), kinds: ["resnet"], structural: true,
        "the convolution before the first block"),
      SpecKey(
        "stages",
        .list(
          .section(
            SectionShape([
              SpecKey(
                "blocks", .integer(1...Limits.items), .required, structural: true,
                alsoKnownAs: ["repeat", "depth"],
                "how many blocks the stage has"),
              SpecKey(
                "width", .integer(1...Limits.channels / 4), .required, unit: "channels", structural: true,
                alsoKnownAs: ["channels"], "channels of the blocks' 3x3 convolutions"),
              SpecKey(
                "kernel", .integer(1...11, odd: true), .value(.integer(3)), unit: "pixels",
                alsoKnownAs: ["kernel-size"],
                "side of the blocks' 3x3 convolutions, where it is another: both of a basic block, a bottleneck's middle one"
              ),
            ])), count: 1...64), .required, kinds: ["resnet"], structural: true,
        "runs of equal blocks"),
      SpecKey(
        "shortcut", .word(ShortcutKind.self), .value(.word("projection")), kinds: ["resnet"],
        structural: true,
        "where channels differ: a 1x1 convolution, or zeros for the new channels"),
      SpecKey(
        "bias", .either([.flag, .list(.flag, count: 1...Limits.items)]),
        .derived("vgg: `true`; resnet: `false`"),
        "whether the layers' convolutions add a bias; vgg: one for all, or one a layer"),
      SpecKey(
        "batch-norm", .either([.flag, .list(.flag, count: 1...Limits.items)]), .value(.flag(true)),
        alsoKnownAs: ["bn", "batchnorm", "normalization"],
        "batch norm behind the convolutions; `false` drops it everywhere; vgg: a list speaks of the layers alone"
      ),
      SpecKey(
        "activation", .section(activation), .absent("`relu`"),
        alsoKnownAs: ["nonlinearity", "act", "activation-function"],
        "the function behind every layer, those of auxiliaries and head too"),
      SpecKey(
        "head", .section(head), .absent("`auxiliary`"), structural: true,
        alsoKnownAs: ["classifier"], "the last module's classifier; `auxiliary`: what that section describes"),
      SpecKey(
        "init",
        .section(
          SectionShape([
            SpecKey(
              "weights", .word(WeightInitialization.self), .value(.word("default")),
              "uniform within 1/sqrt(fan-in), or He's normal by fan-out"),
            SpecKey(
              "batch-norm", .word(BatchNormInitialization.self), .value(.word("ones")),
              "scale of batch norm: 1, or uniform between 0 and 1"),
          ])), .absent("its keys' defaults"), alsoKnownAs: ["initialization", "initialisation"],
        "weights before the first step"),
    ], discriminator: "family")

  static let activation = SectionShape(
    [
      SpecKey(
        "kind", .word(ActivationKind.self), .value(.word("relu")), alsoKnownAs: ["type"],
        "`gelu` with the normal distribution itself, `silu`: z / (1 + e^-z), also called swish"),
      SpecKey(
        "slope", .number(.inner), .value(.number(0.01)), kinds: ["leaky-relu"],
        alsoKnownAs: ["negative-slope", "alpha"], "what is left of negative numbers"),
    ], discriminator: "kind", allowsBareWord: true)

  static let stem = SectionShape([
    SpecKey(
      "width", .integer(1...Limits.channels), .derived("the first stage's width"), unit: "channels",
      structural: true, alsoKnownAs: ["channels"], "output channels"),
    SpecKey(
      "kernel", .integer(1...11, odd: true), .value(.integer(3)), unit: "pixels",
      "side of the convolution"),
    SpecKey("stride", .integer(1...4), .value(.integer(1)), unit: "pixels", structural: true, "its stride"),
    SpecKey(
      "pool", .word(["none", "max"]), .value(.word("none")), structural: true,
      "`max`: a 3x3 max-pool of stride 2 behind it"),
  ])

  /// Keys of a classifier's kinds, equal in auxiliaries, their overrides and heads.
  private static func classifierKeys(hidden: ValueShape, hiddenDocumentation: String) -> [SpecKey] {
    [
      SpecKey(
        "k", .integer(1...64), .value(.integer(3)), kinds: ["cnn"],
        "hidden layers of the auxiliary problem, the trained layer counted (1 is `linear`)"),
      SpecKey(
        "width",
        .either([
          .word(["same", "doubled"]), .integer(1...Limits.channels),
          .section(
            SectionShape([
              SpecKey(
                "doubled", .integer(1...Limits.channels), .required, unit: "channels", structural: true,
                "width at the first module; doubles wherever the network halves the image")
            ])), .list(.integer(1...Limits.channels), count: 1...Limits.items),
        ]), .value(.word("same")), kinds: ["cnn"], unit: "channels",
        "channels of its convolutions: the module's own, a number, doubled at each halving, or one a module"),
      SpecKey(
        "pool", .integer(1...64), .value(.integer(2)), kinds: ["linear", "cnn"], unit: "pixels",

        "side of the image that the last average pool makes"),
      SpecKey(
        "convolutions", .integer(1...64), .value(.integer(3)), kinds: ["mlp-sr"], unit: "layers",
        "1x1 convolutions on the shrunk image"),
      SpecKey(
        "hidden", hidden, .value(.integer(3)), kinds: ["mlp", "mlp-sr"], unit: "layers",
        hiddenDocumentation),
    ]
  }

  private static let auxiliaryKind = SpecKey(
    "kind", .word(["linear", "cnn", "mlp", "mlp-sr", "vgg"]), .value(.word("linear")), structural: true,
    alsoKnownAs: ["type"], "layers of the classifier")

  /// Of a module by itself.
  private static let overrideKind = SpecKey(
    "kind", auxiliaryKind.shape, .derived("`auxiliary.kind`, with its keys"), structural: true,
    alsoKnownAs: ["type"], "layers of its classifier; where it is written, no key is the section's")

  private static let auxiliaryKeys = classifierKeys(
    hidden: .integer(0...64), hiddenDocumentation: "fully connected hidden layers")

  static let auxiliary = SectionShape(
    [auxiliaryKind] + auxiliaryKeys + [
      SpecKey(
        "loss", .word(AuxiliaryLoss.self), .value(.word("cross-entropy")),
        "what the modules but the last minimise: cross-entropy, similarity matching, or both"),
      SpecKey(
        "overrides",
        .list(
          .section(
            SectionShape(
              [
                SpecKey(
                  "module", .integer(1...Limits.items), .required, structural: true,
                  "the module, from 1, whose classifier differs")
              ] + [overrideKind] + auxiliaryKeys, discriminator: "kind", inheritsEnclosing: true)),
          count: 0...Limits.items), .absent("none"),
        structural: true, "classifiers of single modules; what an entry does not say is the section's"),
    ], discriminator: "kind", allowsBareWord: true)

  static let head = SectionShape(
    [
      SpecKey(
        "kind", .word(["auxiliary", "linear", "cnn", "mlp", "mlp-sr", "vgg", "gap"]),
        .value(.word("auxiliary")),
        structural: true, alsoKnownAs: ["type"], "layers of the last module's classifier")
    ]
      + classifierKeys(
        hidden: .either([.integer(0...64), .list(.integer(1...Limits.channels), count: 1...64)]),
        hiddenDocumentation: "fully connected hidden layers; mlp: how many, or the width of each"),
    discriminator: "kind", allowsBareWord: true)
}
