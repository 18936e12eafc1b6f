/// Runs side by side. Runs that differ in their seed alone are one column: mean and deviation.
package struct RunComparison {
  package let groups: [RunGroup]
  /// Whose curves are drawn when there are several groups; nil: every group's own last.
  let module: Int?
  /// The spec's keys, and others, in which the groups differ, as documents have them.
  let differingKeys: [String]
  /// The same as people name it.
  let differences: GroupDifferences

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
    let found = GroupDifferences(groups.map(\.entries))
    if groups.count > 1, !found.keys.isEmpty {
      groups = found.order.map { groups[$0] }
      differences = found.reordered(found.order)
    } else {
      differences = found
    }
    let entries = groups.map(\.entries)
    // Runs that do not tell their release are not of another one.
    differingKeys = RunConditions.differingKeys(entries).filter { key in
      key != "release" || Set(entries.compactMap { $0.first { $0.key == key }?.value }).count > 1
    }
    let counts = Set(groups.map(\.counted.count))
    let isUniform = counts.count == 1 && groups.allSatisfy { $0.counted.count == $0.runs.count }
    repetitions = isUniform ? counts.first : nil
    for (index, name) in Self.names(groups, differences).enumerated() {
      let (all, counted) = (groups[index].runs.count, groups[index].counted.count)
      let share =
        isUniform || all == 1 ? "" : all == counted ? " (\(all) runs)" : " (\(counted) of \(all) runs)"
      groups[index].name = name + share
    }
    self.groups = groups
    self.module = module
  }

  /// Of every group, where all have the same number of runs and all of them count.
  let repetitions: Int?

  /// What `±` means, where it is written; nil where nothing is averaged.
  var spreadLine: String? {
    guard groups.contains(where: { $0.counted.count > 1 }) else { return nil }
    return "mean ± sample deviation over seeds"
      + (repetitions.map { ", n = \($0)" } ?? "; n is the number of runs")
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
      "\($0.folder) was probed on other images than its own as well: not shown"
    }
    return groups.flatMap(\.notes) + undrawn + unprobed + foreign
  }

  /// The module of a group whose curve stands beside those of other groups; nil where the group has no such module.
  func drawnModule(_ group: RunGroup) -> Int? {
    guard let module else { return group.moduleCount }
    return module <= group.moduleCount ? module : nil
  }

  // MARK: - Names

  /// The first of these in which all groups have a name of their own: their names, these with their strategies, the values in
  /// which the groups differ. Where there is none, of each group the first that no other has, or the folder of its first run.
  private static func names(_ groups: [RunGroup], _ differences: GroupDifferences) -> [String] {
    let candidates: [[String]] = [
      groups.map { $0.runs[0].status.name },
      groups.map { "\($0.runs[0].status.name), \($0.runs[0].strategy)" },
      differences.keys.isEmpty ? groups.map { _ in "" } : differences.names,
      groups.map { $0.runs[0].folder },
    ]
    if let names = candidates.first(where: { Set($0).count == groups.count && !$0.contains("") }) {
      return names
    }
    return groups.indices.map { index in
      candidates.first { names in
        !names[index].isEmpty && names.filter { $0 == names[index] }.count == 1
      }?[index] ?? groups[index].runs[0].folder
    }
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
