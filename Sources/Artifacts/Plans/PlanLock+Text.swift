package import Diagnostics
package import Planning
package import Text

extension PlanLock {
  /// The text of a plan that is kept: equal for equal specs, whatever folder the command was typed in.
  ///
  /// - Parameters:
  ///   - specPath: where the spec lies, as its reader typed it; places in the text name the file alone.
  ///   - keptSpecPath: where the spec lies, from the plan file's folder; nil in a run's folder.
  ///   - specSets: values of `--set` that are to be laid over it, `KEY=VALUE`, their paths from the spec's folder.
  ///   - options: of the command line that made the plan.
  ///   - dataPath: where the data lies: as the spec has it, or, in a run's folder, as it was opened.
  ///   - startPath: where the weights lie that the network starts from, likewise.
  package static func text(
    of plan: Plan, _ comparison: PlanComparison, specPath: String, keptSpecPath: String?,
    specSets: [String] = [],
    options: PlanOptions = PlanOptions(), dataPath: String?, startPath: String? = nil, places: SourcePlaces
  ) -> String {
    let name = specPath.split(separator: "/").last.map { String($0) } ?? specPath
    return JSONWriter.document(
      plan.json(
        specPath: keptSpecPath, specSets: specSets, options: options, dataPath: dataPath,
        startPath: startPath,
        places: places.named(name), PlanComparison(rows: comparison.rows)
      ).checksummed)
  }

  /// The text of a plan that is printed for programs, with the times of this machine and what was warned of; it runs like one
  /// that is kept.
  ///
  /// - Parameters:
  ///   - pipeline: of ranks, as this machine and the command have it.
  ///   - warnings: each with its code, message and place.
  package static func printed(
    _ plan: Plan, _ comparison: PlanComparison, places: SourcePlaces, time: TimeText,
    pipeline: JSON? = nil, warnings: [JSON]
  ) -> String {
    var document = plan.json(specPath: nil, dataPath: plan.data.path, places: places, comparison)
    if let pipeline { document = document.with("pipelineTime", pipeline) }
    return JSONWriter.document(
      document.with("time", time.json).with("warnings", .array(warnings)).checksummed)
  }

  /// A plan in memory as its file would be.
  ///
  /// - Parameter name: how it is called.
  package init(_ plan: Plan, _ comparison: PlanComparison, name: String, places: SourcePlaces) {
    let document = plan.json(specPath: nil, dataPath: plan.data.path, places: places, comparison)
    do {
      try self.init(path: name, bytes: Array(JSONWriter.document(document).utf8))
    } catch {
      preconditionFailure("a plan can be read back: \(error.message)")
    }
  }

  /// Whether a leaf of a printed plan, by its dotted path, is of the machine and the command that printed it, times and warnings:
  /// no plan that is kept has them.
  static func isOfPrinting(_ path: String) -> Bool {
    path.hasPrefix("pipelineTime.") || path == "warnings" || path.hasPrefix("warnings[") || path == "time"
      || path.hasPrefix("time.")
      || path.hasPrefix("comparison[") && path.hasSuffix("econds")
  }
}
