/// Runs side by side. Runs that differ in their seed alone are one column: mean and deviation.
package struct RunComparison {
  package let groups: [RunGroup]
  /// Whose curves are drawn when there are several groups; nil: every group's own last.
  let module: Int?
  /// What the groups differ in, in the order of the spec.
  let differingKeys: [String]
  /// The one key in which the groups differ and the number that each has there, in ascending order; nil where it is
  /// another kind of comparison.
  let sweep: (key: String, values: [Double])?

  /// - Parameter module: from 1; nil for the last one of each.
  package init(_ runs: [RunHistory], module: Int?) {
    var members: [[RunHistory]] = []
    for run in runs {
      if let index = members.firstIndex(where: { $0.allSatisfy { $0.repeats(run) } }) {
        members[index].append(run)
      } else {
        members.append([run])
      }
    }
    var groups = members.map { RunGroup($0) }
    let entries = groups.map(\.entries)
    // Runs that do not tell their release are not of another one.
    differingKeys = RunConditions.differingKeys(entries).filter { key in
      key != "release" || Set(entries.compactMap { $0.first { $0.key == key }?.value }).count > 1
    }
    sweep = Self.sweep(&groups, differingIn: differingKeys)
    let names = Self.names(groups, differingIn: differingKeys)
    for (index, name) in names.enumerated() {
      let (all, counted) = (groups[index].runs.count, groups[index].counted.count)
      let share = all == 1 ? "" : all == counted ? " (\(all) runs)" : " (\(counted) of \(all) runs)"
      groups[index].name = name + share
    }
    self.groups = groups
    self.module = module
  }

  /// Of the most modules that any run has.
  package var moduleCount: Int { groups.map(\.moduleCount).max() ?? 0 }

  var hasTop5: Bool { groups.contains(where: \.hasTop5) }

  /// What readers have to know of how the runs were put together.
  package var notes: [String] {
    let undrawn = groups.filter { drawnModule($0) == nil }.map {
      "\($0.name) has no module \(module ?? 0) to draw, but \($0.moduleCount)"
    }
    let foreign = groups.flatMap(\.counted).filter(\.hasForeignProbes).map {
      "\($0.folder) was probed on other pictures than its own as well: not shown"
    }
    return groups.flatMap(\.notes) + undrawn + unprobed + foreign
  }

  /// The module of a group whose curve stands beside those of other groups; nil where the group has no such module.
  func drawnModule(_ group: RunGroup) -> Int? {
    guard let module else { return group.moduleCount }
    return module <= group.moduleCount ? module : nil
  }

  // MARK: - Names

  /// Of each group the first of these that no other group has: its name, its name with its strategy, the values in which
  /// the groups differ, the folder of its first run.
  private static func names(_ groups: [RunGroup], differingIn keys: [String]) -> [String] {
    let shortKeys = shortened(keys, among: Set(groups.flatMap { $0.entries.map(\.key) }))
    let candidates: [[String]] = [
      groups.map { $0.runs[0].status.name },
      groups.map { "\($0.runs[0].status.name), \($0.runs[0].strategy)" },
      groups.map { values(of: $0, keys, shortKeys) },
      groups.map { $0.runs[0].folder },
    ]
    return groups.indices.map { index in
      candidates.first { names in
        !names[index].isEmpty && names.filter { $0 == names[index] }.count == 1
      }?[index] ?? groups[index].runs[0].folder
    }
  }

  /// `batch 50, slow.by 1.11`; empty where that is no name any more.
  private static func values(of group: RunGroup, _ keys: [String], _ shortKeys: [String]) -> String {
    let text = zip(keys, shortKeys).map { key, short in
      "\(short) \(group.entries.first { $0.key == key }?.words ?? "-")"
    }.joined(separator: ", ")
    return keys.count <= 3 && text.count <= 48 ? text : ""
  }

  /// The ends of dotted keys that no other key has: `batch`, and of deeper ones two parts at least, `slow.by`.
  private static func shortened(_ keys: [String], among all: Set<String>) -> [String] {
    keys.map { key in
      let parts = key.split(separator: ".")
      for count in min(parts.count, parts.count > 2 ? 2 : 1)..<parts.count {
        let end = parts.suffix(count).joined(separator: ".")
        if all.filter({ $0 == end || $0.hasSuffix("." + end) }).count == 1 { return end }
      }
      return key
    }
  }

  // MARK: - Sweeps

  /// Puts the groups of a sweep in the order of their numbers.
  private static func sweep(
    _ groups: inout [RunGroup], differingIn keys: [String]
  ) -> (key: String, values: [Double])? {
    guard groups.count > 1, keys.count == 1, let key = keys.first else { return nil }
    let found = groups.compactMap { group in
      group.value(key).flatMap { Double($0) }.map { (value: $0, group: group) }
    }
    guard found.count == groups.count, found.allSatisfy(\.value.isFinite),
      Set(found.map(\.value)).count == found.count
    else { return nil }
    let sorted = found.sorted { $0.value < $1.value }
    groups = sorted.map(\.group)
    return (key, sorted.map(\.value))
  }

  // MARK: - Probes

  /// By which all counted runs of some group were probed, in the order of the groups.
  var probeSettings: [ProbeRecord.Settings] {
    var all: [ProbeRecord.Settings] = []
    for settings in groups.flatMap(\.probeSettings) where !all.contains(settings) { all.append(settings) }
    return all
  }

  /// Runs that were not probed as others were.
  private var unprobed: [String] {
    let probed = groups.flatMap(\.counted).flatMap(\.probes).map(\.settings)
    var settings: [ProbeRecord.Settings] = []
    for one in probed where !settings.contains(one) { settings.append(one) }
    return settings.compactMap { one in
      let without = groups.flatMap(\.counted).filter { run in !run.probes.contains { $0.settings == one } }
      guard !without.isEmpty else { return nil }
      return "without a \(one.words): \(without.map(\.folder).joined(separator: ", "))"
    }
  }
}
