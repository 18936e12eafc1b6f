internal import Base
internal import Glibc

/// What the kernel says of this process.
package enum ProcessMemory {
  /// The largest resident set so far (VmHWM), in bytes; nil where the kernel does not tell.
  package static var peakBytes: Int? { statusField("VmHWM:") }
  /// The resident set now (VmRSS), in bytes.
  package static var residentBytes: Int? { statusField("VmRSS:") }

  /// Addresses in use, touched or not (VmSize), in bytes.
  package static var addressSpaceBytes: Int? { statusField("VmSize:") }

  /// Private writable memory, touched or not (VmData), and what of it is resident (RssAnon), in bytes.
  package static var dataBytes: Int? { statusField("VmData:") }
  package static var residentDataBytes: Int? { statusField("RssAnon:") }

  /// Largest and present resident set of another process, in bytes; nil where there is none, or it is not to be looked at.
  package static func ofProcess(_ number: Int) -> (peakBytes: Int?, residentBytes: Int?) {
    (statusField("VmHWM:", process: "\(number)"), statusField("VmRSS:", process: "\(number)"))
  }

  private static func statusField(_ name: String, process: String = "self") -> Int? {
    guard let text = SystemFile.text(of: "/proc/\(process)/status", limit: 8192) else { return nil }
    for line in text.split(separator: "\n")
    where line.hasPrefix(name) {
      let digits = line.drop { !$0.isNumber }.prefix { $0.isNumber }
      return Int(digits).map { $0 * 1024 }
    }
    return nil
  }
}
