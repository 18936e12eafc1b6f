internal import Base
internal import Glibc

/// Names of what is made aside and then renamed to its place: `.strata-5f1c...-4711-0.tmp`. Of one length whatever the place is
/// called, so that the longest names have room for it, and with the process in it: what a process that was killed has left behind
/// is known by that, and removed by the next one that makes something for the same place.
enum TemporaryName {
  static let suffix = ".tmp"

  /// - Parameters:
  ///   - name: of the place, in the same folder.
  ///   - attempt: from 0; the next one where the name is taken.
  static func make(for name: String, attempt: Int) -> String {
    "\(prefix(of: name))\(getpid())-\(attempt)\(suffix)"
  }

  /// Whether `candidate` was made for the place `name` by a process of this machine that is gone.
  static func isLeftover(_ candidate: String, of name: String) -> Bool {
    let prefix = prefix(of: name)
    guard candidate.hasPrefix(prefix), candidate.hasSuffix(suffix),
      let process = pid_t(candidate.dropFirst(prefix.count).prefix { $0 != "-" }), process > 0
    else { return false }
    return kill(process, 0) != 0 && errno == ESRCH
  }

  /// Of the place and of the machine: another one's processes, on a disk that both share, can't be asked for from here.
  private static func prefix(of name: String) -> String {
    let bytes = Array(name.utf8) + [0] + Array(hostName().utf8)
    let hash = unsafe SHA256.hex(of: bytes.span.bytes)
    return ".strata-\(hash.prefix(16))-"
  }
}
