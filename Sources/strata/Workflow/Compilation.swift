internal import Diagnostics
internal import Pipeline
internal import Planning
internal import Terminal

extension LoadedSpec {
  /// Compiles for `threads` workers; every fault is told.
  func plan(
    threads: Int, dataPath: String?, withFingerprint: Bool, _ console: Console, json: Bool
  ) throws(CommandFailure) -> Plan {
    // Faults of the spec come before those of the data: they are cheaper to mend.
    _ = try checked(console, json: json) { spec throws(CompilationFailed) in try check(spec) }
    let facts = try DataOpening.facts(spec, folder: folder, path: dataPath, withFingerprint: withFingerprint)
    return try checked(console, json: json) { spec throws(CompilationFailed) in
      try compile(spec, options: CompileOptions(threads: threads, facts: facts, specText: text))
    }
  }
}
