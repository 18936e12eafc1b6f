internal import Diagnostics

/// Keys of image folders.
extension SpecBuilder {
  /// Nil for other sources, whose images have their size.
  func image(
    _ data: SectionReader, source: Spanned<DataSource>, input: Spanned<ImageShape>
  ) -> DataSpec.ImageSpec? {
    guard source.value == .imageFolder else { return nil }
    let image = data.section("image")
    let side = max(input.value.height, input.value.width)
    let resize = image.integer("resize", derived: side)
    let isInputSound = root.section("network").isSound("input") && image.isSound("crop")
    if isInputSound { check(image, resize: resize, input: input) }
    return DataSpec.ImageSpec(
      resize: resize, decode: image.choice("decode", as: ImageDecoding.self),
      maxPixels: image.integer("max-pixels"),
      onBadImage: data.choice("on-bad-image", as: BadImagePolicy.self))
  }

  private func check(_ image: SectionReader, resize: Spanned<Int>, input: Spanned<ImageShape>) {
    let shape = input.value
    if shape.channels != 1, shape.channels != 3 {
      report(
        .unfitImage(
          "image files are grey, or red, green and blue", "\(shape.channels) channels", at: input.span,
          help: "write 3 channels, or 1"))
    }
    if let crop = image.optionalInteger("crop"), shape.height != crop.value || shape.width != crop.value {
      report(
        .unfitImage(
          "'data.image.crop' contradicts 'network.input'", "squares of \(crop.value)", at: crop.span,
          note: ("the network reads \(shape.text)", input.span), help: "leave the crop out"))
    }
    let side = max(shape.height, shape.width)
    if image.isSound("resize"), resize.value < side {
      report(
        .unfitImage(
          "'data.image.resize' is smaller than the crop", "a shorter side of \(resize.value)",
          at: resize.span,
          note: ("the network reads \(shape.text)", input.span), help: "write \(side) or more"))
    }
  }

  /// Nil where there is none.
  func randomResizedCrop(
    _ augment: SectionReader, _ source: Spanned<DataSource>
  ) -> DataSpec.RandomResizedCropSpec? {
    guard let value = augment.written("random-resized-crop") else {
      augment.note("random-resized-crop", .default)
      return nil
    }
    var crop = DataSpec.RandomResizedCropSpec(
      scale: Spanned([0.08, 1], at: value.span), ratio: Spanned([3.0 / 4, 4.0 / 3], at: value.span))
    if let section = augment.reader(value) {
      if section.isWritten("scale") { crop.scale = range(section, "scale", or: crop.scale) }
      if section.isWritten("ratio") { crop.ratio = range(section, "ratio", or: crop.ratio) }
    } else if case .scalar(.word("none")) = value.content {
      return nil
    }
    if root.section("data").isSound("source"), source.value != .imageFolder {
      report(.unsupported("random-resized-crop of \(source.value.rawValue)", at: value.span))
    }
    return crop
  }

  /// Two numbers, the second no smaller.
  private func range(
    _ section: SectionReader, _ key: String, or usual: Spanned<[Double]>
  ) -> Spanned<[Double]> {
    let numbers = numbers(section, key)
    guard section.isSound(key), numbers.value.count == 2, let items = section.list(key)?.items else {
      return usual
    }
    guard numbers.value[0] <= numbers.value[1] else {
      report(.notRising("\(section.section.path).\(key)", at: items[1].span, after: items[0].span))
      return usual
    }
    return numbers
  }
}
