/// What tells groups of runs apart, as people name it: `k = 2`, `k = 2, sequential`.
struct GroupDifferences {
  struct Key: Hashable, Sendable {
    /// Dotted, as in the spec; of what no spec says, in words.
    var path: String
    /// As short as no other key allows.
    var short: String
    /// One a group; nil where the group has no such key.
    var values: [String?]

    var isEverywhere: Bool { values.allSatisfy { $0 != nil } }
  }

  /// All in which the groups differ, in the order of the spec.
  private(set) var keys: [Key]

  /// - Parameter groups: the conditions of each.
  init(_ groups: [[RunConditions.Entry]]) {
    var groups = groups
    for section in ["auxiliary", "network.head"] { Self.makeLinearFirst(&groups, of: section) }
    // Runs that do not tell their release are not of another one.
    let paths = RunConditions.differingKeys(groups).filter { path in
      path != "release" || Set(groups.compactMap { $0.first { $0.key == path }?.value }).count > 1
    }
    let all = Set(groups.flatMap { $0.map(\.key) })
    keys = paths.map { path in
      let isOfSpec = !path.hasPrefix("choices.") && path != "data.fingerprint"
      return Key(
        path: isOfSpec ? path : FigureWords.name(path),
        short: isOfSpec ? Self.shortened(path, among: all) : FigureWords.name(path),
        values: groups.map { group in group.first { $0.key == path }?.words })
    }
  }

  /// A `linear` classifier is `cnn` with k = 1, and the language writes it so: beside others of `cnn`, k is the axis, and the
  /// kind goes without saying.
  private static func makeLinearFirst(_ groups: inout [[RunConditions.Entry]], of section: String) {
    let (kind, k) = ("\(section).kind", "\(section).k")
    let kinds = groups.map { group in group.first { $0.key == kind }?.value }
    guard Set(kinds) == ["linear", "cnn"] else { return }
    let width = "\(section).width"
    let widths = Set(
      zip(groups, kinds).filter { $0.1 == "cnn" }.map { group, _ in group.first { $0.key == width } })
    for index in groups.indices {
      guard let place = groups[index].firstIndex(where: { $0.key == kind }) else { continue }
      if kinds[index] == "linear" {
        // Convolutions that it does not have may be as wide as those of all others.
        if widths.count == 1, let same = widths.first.flatMap(\.self) {
          groups[index].insert(same, at: place + 1)
        }
        groups[index].insert(RunConditions.Entry(key: k, value: "1"), at: place + 1)
      }
      groups[index].remove(at: place)
    }
  }

  // MARK: - Names

  /// Those that every name has: without what only some groups have, as far as the others tell all groups apart.
  var namingKeys: [Key] {
    let shared = keys.filter(\.isEverywhere)
    return Self.areDistinct(Self.rows(shared)) ? shared : keys
  }

  /// A name a group; empty where that is no name any more.
  var names: [String] {
    let naming = namingKeys
    return Self.rows(naming).map { row in
      let parts = zip(naming, row).compactMap { key, value in value.map { Self.words(key, $0) } }
      // A group that has none of it, as one without a budget's choice, lacks the first.
      let name = parts.isEmpty ? "no \(naming.first?.short ?? "")" : parts.joined(separator: ", ")
      return parts.count <= 3 && name.count <= 48 ? name : ""
    }
  }

  /// Strategies have words that nothing else has.
  static func words(_ key: Key, _ value: String) -> String {
    key.path == "training.strategy" ? value : "\(key.short) = \(value)"
  }

  /// One a group, with a value a key.
  private static func rows(_ keys: [Key]) -> [[String?]] {
    guard let count = keys.first?.values.count else { return [] }
    return (0..<count).map { group in keys.map { $0.values[group] } }
  }

  private static func areDistinct(_ rows: [[String?]]) -> Bool {
    !rows.isEmpty && Set(rows).count == rows.count
  }

  /// The end of a dotted key that no other key has: `batch`, and of deeper ones two parts at least, `slow.by`; of a kind, what
  /// it is the kind of.
  private static func shortened(_ path: String, among all: Set<String>) -> String {
    let parts = path.split(separator: ".")
    func isOnly(_ end: String, _ tail: String) -> Bool {
      all.filter { $0 == end + tail || $0.hasSuffix("." + end + tail) }.count == 1
    }
    if parts.count > 1, parts.last == "kind" {
      let end = String(parts[parts.count - 2])
      if isOnly(end, ".kind") { return end }
    }
    for count in min(parts.count, parts.count > 2 ? 2 : 1)..<parts.count {
      let end = parts.suffix(count).joined(separator: ".")
      if isOnly(end, "") { return end }
    }
    return path
  }

  // MARK: - Axes

  /// Groups over a number, and, where they differ in something else as well, in lines.
  struct Axes {
    /// The number, and each group's value of it.
    var key: Key
    var values: [Double]
    /// What the lines are called, one a group; nil: all are one line.
    var lines: [String]?
  }

  /// Nil where the groups differ in neither one number nor one number and one thing else.
  var axes: Axes? {
    let naming = namingKeys
    guard (1...2).contains(naming.count), naming.allSatisfy(\.isEverywhere) else { return nil }
    let numbers = naming.compactMap { key -> (key: Key, values: [Double])? in
      let values = key.values.compactMap { $0.flatMap { Double($0) } }.filter(\.isFinite)
      return values.count == key.values.count && values.count > 1 ? (key, values) : nil
    }
    // Of two numbers the one with more values.
    guard
      let axis = numbers.enumerated().max(by: {
        (Set($0.element.values).count, -$0.offset) < (Set($1.element.values).count, -$1.offset)
      })?.element
    else { return nil }
    guard let other = naming.first(where: { $0 != axis.key }) else {
      return Set(axis.values).count == axis.values.count
        ? Axes(key: axis.key, values: axis.values, lines: nil) : nil
    }
    let lines = other.values.map { Self.words(other, $0 ?? "") }
    // Points that have no other on their line make no chart.
    guard Set(zip(lines, axis.values).map { "\($0.0) \($0.1)" }).count == lines.count,
      Set(lines).count < lines.count, Set(axis.values).count > 1
    else { return nil }
    return Axes(key: axis.key, values: axis.values, lines: lines)
  }

  /// The places of the groups in the order of their axes: line by line, ascending; as they are where they have none.
  var order: [Int] {
    let places = Array(0..<(keys.first?.values.count ?? 0))
    guard let axes else { return places }
    let lines = axes.lines ?? places.map { _ in "" }
    var first: [String: Int] = [:]
    for place in places where first[lines[place]] == nil { first[lines[place]] = place }
    return places.sorted {
      (first[lines[$0]] ?? 0, axes.values[$0], $0) < (first[lines[$1]] ?? 0, axes.values[$1], $1)
    }
  }

  /// The same with the groups in another order.
  func reordered(_ order: [Int]) -> GroupDifferences {
    var copy = self
    for index in keys.indices { copy.keys[index].values = order.map { keys[index].values[$0] } }
    return copy
  }
}
