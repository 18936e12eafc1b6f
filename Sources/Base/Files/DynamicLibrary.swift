internal import Glibc

/// A C library that is looked for at run time. A program that never needs it never loads it.
@safe package struct DynamicLibrary: @unchecked Sendable {
  /// Nobody closes it: functions that were taken from it stay valid.
  private let handle: UnsafeMutableRawPointer

  /// Nil where the system has no such library.
  ///
  /// - Parameter name: as the linker looks for it: `libpng16.so.16`, or a path.
  package init?(_ name: String) {
    guard let handle = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) else { return nil }
    unsafe self.handle = handle
  }

  /// A function of the library, nil where it has none of that name.
  ///
  /// - Parameter type: of a C function; nobody checks that it is this one's.
  @unsafe package func function<Function>(_ name: String, as type: Function.Type) -> Function? {
    precondition(
      unsafe MemoryLayout<Function>.size == MemoryLayout<UnsafeMutableRawPointer>.size,
      "a C function's pointer")
    guard let address = unsafe dlsym(handle, name) else { return nil }
    return unsafe unsafeBitCast(address, to: type)
  }
}
