internal import Artifacts
internal import Glibc
internal import Terminal

extension ReportOrigin {
  /// Of this process, now.
  static var here: ReportOrigin {
    let host = hostName()
    return ReportOrigin(
      date: localTime(), host: host.isEmpty ? "an unnamed host" : host,
      processor: ProfileFile.processorName(),
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
}
