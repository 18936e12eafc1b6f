extension SpecTable {
  static let compression = SectionShape(
    [
      SpecKey(
        "width",
        .either([
          .integer(1...Limits.channels), .list(.integer(1...Limits.channels), count: 1...Limits.items),
        ]), .required, unit: "channels", alsoKnownAs: ["widths", "channels", "keep"],
        "channels of a layer that stay: one number for all, or one a layer"),
      SpecKey(
        "epochs", .integer(1...Limits.epochs), .required, unit: "epochs",
        "passes over the data that a layer is fine-tuned for when channels are gone"),
      SpecKey(
        "fine-tune", .word(TunedPart.self), .value(.word("auxiliary")), alsoKnownAs: ["tune", "finetune"],
        "what learns again: the auxiliary network (the head) alone, or the whole module"),
      SpecKey(
        "learning-rate", .number(.positive), .derived("that of the module's training"), alsoKnownAs: ["lr"],
        "of fine-tuning, in its first epoch; the schedule starts again"),
      SpecKey(
        "criterion", .word(CompressionCriterion.self), .value(.word("taylor")),
        alsoKnownAs: ["importance", "ranking"],
        "what channels are ranked by: the loss's change to first order, their mean value, or their filter's norm"
      ),
      SpecKey(
        "pictures", .integer(1...Limits.images), .absent("all"), kinds: ["taylor", "activation"],
        unit: "images",
        "training images that channels are ranked over, drawn as in an epoch"),
    ], discriminator: "criterion")
}
