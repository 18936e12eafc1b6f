/// All keys of the language, in the order of the canonical text.
package enum SpecTable {
  /// The version of the language that this release reads.
  package static let version = 1

  package static let root = SectionShape([
    SpecKey(
      "strata", .version, .required, structural: true, alsoKnownAs: ["version"],
      "version of the language"),
    SpecKey("name", .name, .required, "names plans and runs: small letters, digits and hyphens"),
    SpecKey(
      "data", .section(data), .absent("the source `synthetic`"), structural: true, "images and labels"),
    SpecKey(
      "network", .section(network), .required, structural: true, alsoKnownAs: ["model", "architecture"],
      "the layers that are trained"),
    SpecKey(
      "downsampling", .section(downsampling), .absent("vgg: none; resnet: the standard schedule"),
      structural: true,
      alsoKnownAs: ["downsample", "pooling"], "where the image is halved, and how"),
    SpecKey(
      "auxiliary", .section(auxiliary), .absent("`linear`"), structural: true,
      alsoKnownAs: ["aux", "auxiliaries"], "the classifier that trains each module"),
    SpecKey("training", .section(training), .required, structural: true, "how the modules are trained"),
    SpecKey(
      "compression", .section(compression), .absent("every layer keeps its channels"),
      alsoKnownAs: ["prune", "pruning", "compress"],
      "sequential: each layer loses channels before the next one is trained"),
    SpecKey(
      "numerics", .word(Numerics.self), .value(.word("fast")),
      "`strict` does without Winograd's fast convolution"),
    SpecKey("memory", .section(memory), .absent("no budget"), "limits of the plan"),
  ])

  static let data = SectionShape(
    [
      SpecKey(
        "source", .word(DataSource.self), .value(.word("synthetic")), structural: true,
        alsoKnownAs: ["dataset", "kind"], "where the images come from"),
      SpecKey(
        "path", .path, .absent("`--data` names it"),
        kinds: ["cifar10", "cifar100", "idx", "npy", "image-folder"],
        "folder or file of the source; starts at the spec's folder, with `--set` at the current one"),
      SpecKey(
        "image",
        .section(
          SectionShape([
            SpecKey(
              "resize", .integer(1...Limits.side), .derived("the crop's longer side"), unit: "pixels",
              "the shorter side, before the crop"),
            SpecKey(
              "crop", .integer(1...Limits.side), .derived("`network.input`"), unit: "pixels",
              structural: true,
              "side of the middle that the network reads"),
            SpecKey(
              "decode", .word(ImageDecoding.self), .value(.word("full")),
              "`scaled`: JPEG at a half, a quarter or an eighth where that is large enough; other pixels"),
            SpecKey(
              "max-pixels", .integer(1...Limits.pixels), .value(.integer(100_000_000)), unit: "pixels",
              "larger files are faults"),
          ])), .absent("its keys' defaults"), kinds: ["image-folder"],
        "how files become images of the network's size"),
      SpecKey(
        "on-bad-image", .word(BadImagePolicy.self), .value(.word("fault")), kinds: ["image-folder"],
        "a file that can't be read stops the run, or is left out and listed"),
      SpecKey(
        "limit",
        .section(
          SectionShape([
            SpecKey(
              "train", .integer(1...Limits.images), .absent("all"), unit: "images",
              "only so many training images: the first; of an image folder each class's share, by seed"),
            SpecKey(
              "test", .integer(1...Limits.images), .absent("all"), unit: "images",
              "only so many test images, likewise"),
          ])), .absent("all"), alsoKnownAs: ["subset"], "a subset of the source"),
      SpecKey(
        "augment",
        .section(
          SectionShape([
            SpecKey(
              "pad-crop", .integer(0...64), .value(.integer(0)), unit: "pixels",
              alsoKnownAs: ["crop", "padding"],
              "zero padding on each side before a random crop back to size"),
            SpecKey(
              "flip", .word(["none", "horizontal"]), .value(.word("none")),
              "mirror each image with probability 1/2"),
            SpecKey(
              "random-resized-crop",
              .either([
                .word(["none", "default"]),
                .section(
                  SectionShape([
                    SpecKey(
                      "scale", .list(.number(.factor), count: 2...2), .absent("[0.08, 1]"),
                      "smallest and largest share of the image's area"),
                    SpecKey(
                      "ratio", .list(.number(.ratio), count: 2...2), .absent("[3/4, 4/3]"),
                      "smallest and largest width by height"),
                  ])),
              ]), .value(.word("none")), alsoKnownAs: ["random-resize-crop", "inception-crop"],
              "image-folder: a random box of each image, resized"),
            SpecKey(
              "cutout", .integer(0...Limits.side), .value(.integer(0)), unit: "pixels",
              "side of a square of each image that is left blank"),
          ])), .absent("none"), alsoKnownAs: ["augmentation"], "random changes of the training images"),
      SpecKey(
        "normalize",
        .either([
          .word(["default"]),
          .section(
            SectionShape([
              SpecKey(
                "mean", .list(.number(.any), count: 1...Limits.channels), .required,
                "subtracted, one number a channel"),
              SpecKey(
                "std", .list(.number(.positive), count: 1...Limits.channels), .required,
                "then divided by, one number a channel"),
            ])),
        ]), .value(.word("default")), alsoKnownAs: ["normalise", "normalization"],
        "of pixels between 0 and 1; `default` is the source's own"),
    ], discriminator: "source")

  static let downsampling = SectionShape(
    [
      SpecKey(
        "kind", .word(DownsamplingKind.self), .derived("vgg: `max-pool`; resnet: `stride`"), structural: true,
        "how the image is halved"),
      SpecKey(
        "before",
        .list(
          .either([
            .integer(1...Limits.items),
            .section(
              SectionShape([
                SpecKey("at", .integer(1...Limits.items), .required, structural: true, "the layer or block"),
                SpecKey(
                  "kind", .word(DownsamplingKind.self), .derived("`downsampling.kind`"), structural: true,
                  "how the image is halved there"),
              ])),
          ]), count: 0...Limits.items), .absent("see `schedule`"), structural: true,
        alsoKnownAs: ["at", "layers"],
        "the layers (vgg) or blocks (resnet) that read the halved image, from 1, rising"),
      SpecKey(
        "schedule",
        .either([
          .word(["standard"]),
          .section(
            SectionShape([
              SpecKey(
                "accelerated", .integer(1...Limits.items), .required, unit: "items", structural: true,
                "the i-th halving moves from p to max(i, p - n)")
            ])),
        ]), .absent("resnet: `standard`, unless `before` is written"), structural: true,
        "`standard`: vgg before every wider layer, resnet before each stage but the first; or earlier by n"),
    ], alternatives: .init(first: "before", second: "schedule", isOneRequired: false))

  static let memory = SectionShape([
    SpecKey(
      "budget", .size, .absent("none"), alsoKnownAs: ["limit"],
      "what the process may take: a size like 2GiB, or a share like 50% of the machine's memory"),
    SpecKey(
      "features", .word(FeaturePolicy.self), .value(.word("auto")),
      "what the frozen prefix gives: computed again in every step, or kept"),
  ])
}

/// Bounds that keep every product of sizes far from overflow.
enum Limits {
  static let items = 10_000
  static let channels = 65_536
  static let side = 16_384
  static let classes = 1_000_000
  static let images = 1_000_000_000
  static let pixels = 1_000_000_000
  static let epochs = 1_000_000
  static let batch = 65_536
}

extension NumberRange {
  static let any = NumberRange(lower: .included(-farAway), upper: .included(farAway))
  static let positive = NumberRange(lower: .excluded(0), upper: .included(farAway))
  static let nonNegative = NumberRange(lower: .included(0), upper: .included(farAway))
  /// 0 to below 1.
  static let decay = NumberRange(lower: .included(0), upper: .excluded(1))
  /// Between 0 and 1.
  static let inner = NumberRange(lower: .excluded(0), upper: .excluded(1))
  static let factor = NumberRange(lower: .excluded(0), upper: .included(1))
  static let ratio = NumberRange(lower: .included(0.001), upper: .included(1000))
  static let fraction = NumberRange(lower: .included(0), upper: .included(1))
}
