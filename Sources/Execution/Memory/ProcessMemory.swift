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
    let descriptor = unsafe open("/proc/\(process)/status", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return nil }
    for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
    where line.hasPrefix(name) {
      let digits = line.drop { !$0.isNumber }.prefix { $0.isNumber }
      return Int(digits).map { $0 * 1024 }
    }
    return nil
  }
}
