internal import Artifacts
internal import Glibc
internal import Terminal

extension ReportOrigin {
  /// Of this process, now.
  static var here: ReportOrigin {
    ReportOrigin(
      date: localTime(), host: hostName(), processor: ProfileFile.processorName(),
      version: CommandTable.program.version)
  }

  /// With the distance from UTC, so that it means the same elsewhere.
  private static func localTime() -> String {
    var now = time(nil)
    var parts = unsafe tm()
    unsafe localtime_r(&now, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = unsafe strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M %z", &parts)
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    // The last byte stays zero, whatever the system writes.
    guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "an unnamed host" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
