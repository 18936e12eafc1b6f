internal import Diagnostics
internal import GraphIR
internal import Planning

/// What keeps stored tensors from being taken, tensor by tensor; one diagnostic a kind, with the names of all.
struct StoredTensorFaults {
  /// Of a layer or block that is stored in part, or lies before one that is stored; of a classifier that is stored in part.
  var missing: [String] = []
  var misshapen: [(name: String, stored: [Int], expected: [Int])] = []
  /// Stored of a layer or block that has no such tensor here.
  var leftBehind: [String] = []
  /// Of no layer, block or classifier.
  private let strangers: [String]
  private var notFinite: [String] = []
  private var tooLarge: [String] = []
  private var foreign: [(name: String, type: String)] = []

  private let stored: StoredWeights
  private let span: SourceSpan
  private let namesInFile: [String: String]

  /// More names than these make no message clearer.
  private static let shownCount = 8
  /// What wrappers put before every name of a `state_dict()`.
  private static let wrappers = ["module.", "_orig_mod.", "model.", "net.", "network."]

  init(_ stored: StoredWeights, at span: SourceSpan) {
    self.stored = stored
    self.span = span
    namesInFile = Dictionary(
      stored.tensors.compactMap { tensor in tensor.nameInFile.map { (tensor.name, $0) } }
    ) {
      first, _ in first
    }
    strangers = stored.tensors.map(\.name).filter { !NetworkWiring.isTensorName($0) }
  }

  /// Whether names and shapes are as they should be.
  var isEmpty: Bool { missing.isEmpty && misshapen.isEmpty && leftBehind.isEmpty }

  /// Looks at the numbers of tensors that are to be taken.
  mutating func noteNumbers(of names: [String]) {
    let types = Dictionary(stored.tensors.map { ($0.name, $0.foreignType) }) { first, _ in first }
    for name in names {
      if let type = types[name] ?? nil { foreign.append((name, type)) }
      if stored.notFinite.contains(name) { notFinite.append(name) }
      if stored.tooLarge.contains(name) { tooLarge.append(name) }
    }
  }

  /// For a file of which no tensor is one of this network's first part.
  var strangersHelp: String {
    for wrapper in Self.wrappers
    where strangers.contains(where: {
      $0.hasPrefix(wrapper) && NetworkWiring.isTensorName(String($0.dropFirst(wrapper.count)))
    }) {
      return "its names begin with '\(wrapper)': save the tensors under `name.removeprefix(\"\(wrapper)\")`"
    }
    guard let first = strangers.first else { return Diagnostic.weightsHelp }
    return Diagnostic.weightsHelp + "; tensors have names like 'layers.1.conv.weight', not '\(first)'"
  }

  var diagnostics: [Diagnostic] {
    let path = "'\(stored.path)'"
    var found: [Diagnostic] = []
    func add(_ message: String, label: String, help: String = Diagnostic.weightsHelp) {
      found.append(.weights(message, label: label, at: span, help: help))
    }
    if !missing.isEmpty {
      add("the weights at \(path) lack \(tensors(missing))", label: "has other parts of the network")
    }
    if let first = misshapen.first {
      func shapes(_ tensor: (name: String, stored: [Int], expected: [Int])) -> String {
        "\(shown(tensor.name)) \(tensor.stored), here \(tensor.expected)"
      }
      add(
        misshapen.count == 1
          ? "the stored tensor \(shown(first.name)) has the shape \(first.stored), this network's has \(first.expected)"
          : "\(misshapen.count) stored tensors have other shapes than this network's: "
            + Self.list(misshapen.map(shapes), separator: "; "), label: path)
    }
    if let first = leftBehind.first {
      add(
        leftBehind.count == 1
          ? "the weights at \(path) have the tensor \(shown(first)), this network does not"
          : "the weights at \(path) have \(leftBehind.count) tensors that this network does not have: "
            + names(leftBehind), label: "would be left behind",
        help: "give the network what it had when it was stored: \(Self.setting(of: first))")
    }
    if !strangers.isEmpty {
      add(
        "the weights at \(path) have \(tensors(strangers)), of no layer, block or classifier",
        label: "would be left behind", help: "leave them out when the weights are saved")
    }
    if !foreign.isEmpty {
      found.append(
        .storedNumbers(
          "stored numbers are no floats: "
            + Self.list(foreign.map { "\(shown($0.name)) has the type \($0.type)" }),
          label: path, at: span, help: "save as float32: `tensor.float()`"))
    }
    if !tooLarge.isEmpty {
      found.append(
        .storedNumbers(
          "\(stored(tooLarge)) numbers beyond the largest float32",
          label: path, at: span,
          help: "weights above 3.4e38 come from a training that has diverged: start from others"))
    }
    if !notFinite.isEmpty {
      add(
        "\(stored(notFinite)) numbers that are not finite",
        label: path, help: "the training that left it has diverged: start from another one's weights")
    }
    return found
  }

  // MARK: - Words

  /// The key by which a network has a tensor.
  private static func setting(of tensor: String) -> String {
    let words = tensor.split(separator: ".")
    if words.contains("shortcut") { return "`network.shortcut: projection`, the same widths and halvings" }
    if words.contains(where: { $0.hasPrefix("batch_norm") }) { return "`network.batch-norm: true`" }
    return words.last == "bias" ? "`network.bias: true`" : "the same `network.family` and `network.block`"
  }

  /// `the tensor 'a'`, `3 tensors ('a', 'b', 'c')`.
  private func tensors(_ names: [String]) -> String {
    names.count == 1 ? "the tensor \(shown(names[0]))" : "\(names.count) tensors (\(self.names(names)))"
  }

  /// `the stored tensor 'a' has`, `3 stored tensors ('a', 'b', 'c') have`.
  private func stored(_ names: [String]) -> String {
    names.count == 1
      ? "the stored tensor \(shown(names[0])) has"
      : "\(names.count) stored tensors (\(self.names(names))) have"
  }

  private func names(_ names: [String]) -> String { Self.list(names.map(shown)) }

  /// With the name that it has in the file, where that is another one.
  private func shown(_ name: String) -> String {
    namesInFile[name].map { "'\($0)' ('\(name)' here)" } ?? "'\(name)'"
  }

  private static func list(_ items: [String], separator: String = ", ") -> String {
    let more = items.count - shownCount
    return items.prefix(shownCount).joined(separator: separator)
      + (more > 0 ? "\(separator)and \(more) more" : "")
  }
}
