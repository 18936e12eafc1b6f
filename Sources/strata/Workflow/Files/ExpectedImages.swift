internal import Datasets
internal import Diagnostics
internal import SpecLanguage
internal import Terminal

/// What a spec says of its images, held against what their files say: a network for other images would train on noise.
struct ExpectedImages {
  private let input: ImageShape
  private let classes: Int
  /// Where the spec says so; nil where it leaves that to the source.
  private let inputPlace, classesPlace: String?

  init(_ loaded: LoadedSpec) {
    let network = loaded.spec.network
    input = network.input.value
    classes = network.classes.value
    func place(_ key: String) -> String? {
      loaded.origins[key]?.writtenSpan.map { loaded.places.place($0) }
    }
    inputPlace = place("network.input")
    classesPlace = place("network.classes")
  }

  func require(_ facts: DatasetFacts, of source: DatasetSource) throws(CommandFailure) {
    let shape = facts.imageShape
    guard (shape.channels, shape.height, shape.width) == (input.channels, input.height, input.width) else {
      let found = "\(shape.channels)x\(shape.height)x\(shape.width)"
      throw CommandFailure(
        .faultyData,
        "\(Self.subject(source)) has images of \(found) (channels, height, width), but `network.input` is "
          + "\(input.text)\(Self.at(inputPlace))",
        help: "set `network.input: \(found)`, or name other data")
    }
    guard facts.classCount > classes else { return }
    let reason = "`network.classes` is \(classes)\(Self.at(classesPlace))"
    let help = "set `network.classes: \(facts.classCount)`, or name other data"
    do {
      try Dataset.requireLabels(below: classes, of: source)
    } catch {
      throw CommandFailure(.faultyData, "\(error.message): \(reason)", help: help)
    }
    throw CommandFailure(
      .faultyData, "\(Self.subject(source)) has \(facts.classCount) classes, but \(reason)", help: help)
  }

  private static func at(_ place: String?) -> String { place.map { " (\($0))" } ?? "" }

  private static func subject(_ source: DatasetSource) -> String {
    switch source {
    case .digits, .synthetic: "the source '\(source.name)'"
    case .cifar10(let folder), .cifar100(let folder), .idx(let folder), .npy(let folder): folder
    case .imageFolder(let source): source.folder
    }
  }
}
