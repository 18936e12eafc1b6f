extension SpecTable {
  static let training = SectionShape([
    SpecKey(
      "strategy", .word(Strategy.self), .value(.word("parallel")), alsoKnownAs: ["mode"],
      "one module after the other, all at once, all at their own pace, or one backward pass through all"),
    SpecKey(
      "partition",
      .either([
        .word(["per-layer", "per-block", "auto"]),
        .section(
          SectionShape(
            [
              SpecKey(
                "modules", .integer(1...Limits.items), .absent("`cuts`"), structural: true,
                "so many runs of the layers or blocks, as even as can be, the longer first"),
              SpecKey(
                "cuts", .list(.integer(1...Limits.items), count: 0...Limits.items), .absent("`modules`"),
                structural: true, "modules begin at these layers or blocks, from 1, rising"),
            ], alternatives: .init(first: "modules", second: "cuts", isOneRequired: true))),
      ]), .derived("vgg: `per-layer`; resnet: `per-block`"), structural: true,
      alsoKnownAs: ["modules", "split"],
      "what makes a module; `auto`: the fewest modules that fit the budget, without one as fine as can be"),
    SpecKey(
      "epochs", .integer(1...Limits.epochs), .value(.integer(1)), unit: "epochs",
      alsoKnownAs: ["num-epochs", "n-epochs", "max-epochs"], "passes over the data, for each module"),
    SpecKey(
      "batch", .integer(1...Limits.batch), .value(.integer(128)), unit: "images",
      alsoKnownAs: ["batch-size", "bs", "minibatch", "mini-batch"], "images of one step"),
    SpecKey(
      "drop-last", .flag, .value(.flag(false)), "leave out a last batch that is smaller"),
    SpecKey(
      "loss",
      .section(
        SectionShape([
          SpecKey(
            "label-smoothing", .number(.decay), .value(.number(0)), alsoKnownAs: ["smoothing"],
            "share of each label that all classes have alike, in training")
        ])), .absent("cross entropy as it is"), "what the classifiers minimise"),
    SpecKey(
      "optimizer", .section(optimizer), .absent("`sgd`"),
      alsoKnownAs: ["optimiser", "optim"], "how a gradient moves the weights"),
    SpecKey(
      "schedule", .section(schedule), .absent("`constant`"),
      alsoKnownAs: ["lr-schedule", "learning-rate-schedule", "lr-scheduler", "scheduler"],
      "the learning rate over the epochs"),
    SpecKey(
      "momentum-at-decay", .word(MomentumAtDecay.self), .value(.word("keep")),
      "whether the optimiser's momentum survives a drop of the learning rate"),
    SpecKey(
      "overrides",
      .list(
        .section(
          SectionShape([
            SpecKey("module", .integer(1...Limits.items), .required, "the module, from 1, that differs"),
            SpecKey(
              "epochs", .integer(1...Limits.epochs), .derived("`training.epochs`"), unit: "epochs",
              "its passes over the data"),
            SpecKey(
              "learning-rate", .number(.positive), .derived("the optimiser's"), alsoKnownAs: ["lr"],
              "its learning rate in the first epoch"),
          ])), count: 0...Limits.items), .absent("none"), "modules that are trained differently"),
    SpecKey(
      "start",
      .section(
        SectionShape([
          SpecKey(
            "every", .integer(0...Limits.epochs), .value(.integer(0)), unit: "epochs",
            "each module starts so many epochs behind the one before; 0: all at once")
        ])), .absent("all at once"), "parallel: when the modules start"),
    SpecKey(
      "asynchronous", .section(asynchronous), .absent("its keys' defaults"), alsoKnownAs: ["async"],
      "the simulation behind `strategy: asynchronous`"),
    SpecKey(
      "seed", .seed, .value(.seed(1)), alsoKnownAs: ["random-seed", "random-state"],
      "of initial weights, order, augmentation, synthetic data and simulated delays"),
  ])

  static let optimizer = SectionShape(
    [
      SpecKey(
        "kind", .word(OptimizerKind.self), .value(.word("sgd")), alsoKnownAs: ["type"], "the update rule"),
      SpecKey(
        "learning-rate", .number(.positive), .derived("sgd: 0.1; adam, adamw: 0.001"),
        alsoKnownAs: ["lr", "rate", "step-size", "eta", "base-lr"],
        "step size in the first epoch"),
      SpecKey(
        "momentum", .number(.decay), .value(.number(0.9)), kinds: ["sgd"], "share of the last step kept"),
      SpecKey(
        "nesterov", .flag, .value(.flag(false)), kinds: ["sgd"], "look ahead along the momentum (Nesterov)"),
      SpecKey(
        "beta1", .number(.decay), .value(.number(0.9)), kinds: ["adam", "adamw"],
        "decay of the gradient's mean"),
      SpecKey(
        "beta2", .number(.decay), .value(.number(0.999)), kinds: ["adam", "adamw"],
        "decay of the squared gradient's mean"),
      SpecKey(
        "epsilon", .number(.positive), .value(.number(1e-8)), kinds: ["adam", "adamw"], alsoKnownAs: ["eps"],
        "added to the root of the squared gradient's mean"),
      SpecKey(
        "weight-decay", .number(.nonNegative), .value(.number(5e-4)),
        alsoKnownAs: ["wd", "l2", "weight-decay-rate"],
        "added to the gradient, times the weight; adamw: taken from the weight, times the learning rate"),
      SpecKey(
        "decay", .word(DecayTarget.self), .value(.word("all")),
        "what decays: `weights` leaves biases and batch norm alone"),
    ], discriminator: "kind", allowsBareWord: true)

  static let schedule = SectionShape(
    [
      SpecKey(
        "kind", .word(["constant", "step", "milestones", "cosine"]), .value(.word("constant")),
        alsoKnownAs: ["type"], "how the learning rate falls"),
      SpecKey(
        "every", .integer(1...Limits.epochs), .required, kinds: ["step"], unit: "epochs",
        "falls behind each so many epochs"),
      SpecKey(
        "at", .list(.integer(1...Limits.epochs), count: 1...1000), .required, kinds: ["milestones"],
        unit: "epochs", alsoKnownAs: ["milestones"], "falls behind these epochs, rising"),
      SpecKey(
        "factor", .number(.factor), .required, kinds: ["step", "milestones"], alsoKnownAs: ["gamma"],
        "what the learning rate is multiplied by at each fall"),
      SpecKey(
        "warm-up", .integer(0...Limits.epochs), .value(.integer(0)), kinds: ["cosine"], unit: "epochs",
        alsoKnownAs: ["warmup", "warmup-epochs"],
        "epochs in which the learning rate rises from zero, in a line"),
      SpecKey(
        "floor", .number(.fraction), .value(.number(0)), kinds: ["cosine"], alsoKnownAs: ["minimum"],
        "share of the learning rate that is left in the end"),
    ], discriminator: "kind", allowsBareWord: true)

  static let asynchronous = SectionShape([
    SpecKey(
      "buffer", .integer(1...Limits.items), .value(.integer(1)), unit: "batches",
      "batches that each module keeps for the next"),
    SpecKey(
      "reuse", .either([.word(["unlimited"]), .integer(1...Limits.items)]), .value(.word("unlimited")),
      "how often a batch of the buffer may be read"),
    SpecKey(
      "slow",
      .section(
        SectionShape([
          SpecKey("module", .integer(1...Limits.items), .required, "the module, from 1, that is slow"),
          SpecKey(
            "by", .number(NumberRange(lower: .included(1), upper: .included(1000))), .required,
            "how many times slower it is"),
        ])), .absent("none"), "one module that keeps the others waiting"),
    SpecKey(
      "order", .word(AsynchronousOrder.self), .value(.word("random")),
      "which module works next: drawn, or in turn"),
    SpecKey(
      "ties", .word(BufferTies.self), .value(.word("freshest")),
      "which of the least used batches is read: the freshest, or the one the next write will replace"),
    SpecKey(
      "at-decay", .word(BufferAtDecay.self), .value(.word("keep")),
      "whether a module's buffer survives a drop of its learning rate"),
  ])
}
