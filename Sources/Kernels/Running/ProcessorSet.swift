internal import COpenBLAS
import Glibc

/// The processors that the calling thread may run on, and the threads that it starts: a bit each, from the lowest of the first
/// byte on. Asks for nothing that a program's start sets up, so that both can be called before it.
package enum ProcessorSet {
  /// Overwrites the first bytes of `set`; those behind them are left.
  ///
  /// - Returns: false where the system refuses it, with `errno` EINVAL where the machine has processors for more bits.
  package static func read(into set: UnsafeMutableRawPointer, byteCount: Int) -> Bool {
    strata_get_processors(set, UInt(byteCount)) >= 0
  }

  /// - Returns: false where the system refuses it.
  package static func write(_ set: UnsafeRawPointer, byteCount: Int) -> Bool {
    strata_set_processors(set, UInt(byteCount)) >= 0
  }
}
