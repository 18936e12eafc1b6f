internal import Base
internal import Glibc

/// Room on a disk.
package enum DiskSpace {
  /// Bytes that this user may still write where `path` lies, or will lie: its nearest folder that is there is asked. Nil where
  /// the system does not tell.
  package static func freeByteCount(at path: String) -> Int? {
    var place = path
    while true {
      var status = statvfs()
      if unsafe statvfs(place, &status) == 0 {
        let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
        return overflow ? .max : bytes
      }
      guard errno == ENOENT, FilePath.folder(of: place) != place else { return nil }
      place = FilePath.folder(of: place)
    }
  }
}
