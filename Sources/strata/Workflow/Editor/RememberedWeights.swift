internal import Artifacts
internal import Pipeline
internal import Planning
internal import Synchronization

/// What weights files say of themselves, kept as long as they stay the same: reading one takes as long as hashing it.
final class RememberedWeights: Sendable {
  private struct Entry {
    var path: String
    var stamp: FileStamp
    var facts: StoredWeights
  }

  private let entries = Mutex<[Entry]>([])
  private static let mostEntries = 4

  /// As `StartFile.facts`, of a file that has changed since the last time.
  func facts(of path: String) throws(ModelFileError) -> StoredWeights {
    let stamp = FileStamp(path)
    let known = entries.withLock { $0.first { $0.path == path && $0.stamp == stamp } }
    if let known { return known.facts }
    let facts = try StartFile.facts(of: path)
    if let stamp {
      entries.withLock { entries in
        entries.removeAll { $0.path == path }
        entries.insert(Entry(path: path, stamp: stamp, facts: facts), at: 0)
        if entries.count > Self.mostEntries { entries.removeLast() }
      }
    }
    return facts
  }
}
