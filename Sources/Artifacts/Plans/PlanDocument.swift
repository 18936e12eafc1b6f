package import Diagnostics
package import Planning
package import Text

/// The text of a plan that is kept: equal for equal specs, whatever folder the command was typed in.
package enum PlanDocument {
  /// - Parameters:
  ///   - specPath: where the spec lies, as its reader typed it; places in the text name the file alone.
  ///   - keptSpecPath: where the spec lies, from the plan file's folder; nil in a run's folder.
  ///   - specSets: values of `--set` that are to be laid over it, `KEY=VALUE`, their paths from the spec's folder.
  ///   - options: of the command line that made the plan.
  ///   - dataPath: where the data lies: as the spec has it, or, in a run's folder, as it was opened.
  ///   - startPath: where the weights lie that the network starts from, likewise.
  package static func text(
    of plan: Plan, specPath: String, keptSpecPath: String?, specSets: [String] = [],
    options: PlanOptions = PlanOptions(), dataPath: String?, startPath: String? = nil, places: SourcePlaces
  ) -> String {
    let name = specPath.split(separator: "/").last.map { String($0) } ?? specPath
    return JSONWriter.document(
      plan.json(
        specPath: keptSpecPath, specSets: specSets, options: options, dataPath: dataPath,
        startPath: startPath,
        places: places.named(name)
      ).sealed)
  }

  /// The text of a plan that is printed for programs, with the times of this machine and what was warned of; it runs like one
  /// that is kept.
  ///
  /// - Parameter warnings: each with its code, message and place.
  package static func printed(
    _ plan: Plan, places: SourcePlaces, times: [TimeFigures], time: TimeText, warnings: [JSON]
  ) -> String {
    let document = plan.json(specPath: nil, dataPath: plan.data.path, places: places, times: times)
    return JSONWriter.document(
      document.with("time", time.json).with("warnings", .array(warnings)).sealed)
  }

  /// Whether a leaf of a printed plan, by its dotted path, is of the machine and the command that printed it, times and warnings:
  /// no plan that is kept has them.
  static func isOfPrinting(_ path: String) -> Bool {
    path == "warnings" || path.hasPrefix("warnings[") || path == "time" || path.hasPrefix("time.")
      || path.hasPrefix("comparison[") && path.hasSuffix("econds")
  }

  /// `../specs/net.yaml` for a spec beside the plan's folder; an absolute path where one of both is
  /// absolute and the other is not.
  ///
  /// - Parameter currentFolder: where relative paths start; absolute.
  package static func relativePath(of path: String, from folder: String, currentFolder: String) -> String {
    func parts(_ path: String) -> [Substring] {
      var parts: [Substring] = []
      for part in (path.hasPrefix("/") ? path : "\(currentFolder)/\(path)").split(separator: "/") {
        switch part {
        case ".": continue
        case "..": _ = parts.popLast()
        case _: parts.append(part)
        }
      }
      return parts
    }
    guard path.hasPrefix("/") == folder.hasPrefix("/") else {
      return "/" + parts(path).joined(separator: "/")
    }
    var (target, base) = (parts(path)[...], parts(folder)[...])
    while let first = target.first, first == base.first, target.count > 1 {
      target.removeFirst()
      base.removeFirst()
    }
    return (base.map { _ in ".." } + target).joined(separator: "/")
  }
}
