internal import Text

/// When and where a report was written. Reports alone have it: plans and their pages are the same wherever they are made.
package struct ReportOrigin: Sendable {
  /// `2026-03-14 15:09 +0100`.
  package var date: String
  package var host, processor: String
  /// Of the program.
  package var version: String

  package init(date: String, host: String, processor: String, version: String) {
    self.date = date
    self.host = host
    self.processor = processor
    self.version = version
  }

  /// One line of a page.
  ///
  /// - Parameter threads: that were at work; nil where that is of no account.
  func words(threads: Int? = nil) -> String {
    let workers = threads.map { ", \($0) worker\($0 == 1 ? "" : "s")" } ?? ""
    return "written \(date) on \(host), \(processor)\(workers), by strata \(version)"
  }
}
