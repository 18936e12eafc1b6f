internal import Base

/// libturbojpeg's decompressor, found at run time: the functions that versions 2 and 3 have in common.
enum TurboJPEG {
  static let libraryName = "libturbojpeg.so.0"
  static let packageName = "libturbojpeg0"

  fileprivate typealias Handle = UnsafeMutableRawPointer
  fileprivate typealias Decompress =
    @convention(c) (
      Handle, UnsafePointer<UInt8>?, UInt, UnsafeMutablePointer<UInt8>?, Int32, Int32, Int32, Int32, Int32
    ) -> Int32

  /// What was found in the library.
  @safe struct Functions: @unchecked Sendable {
    fileprivate let start: @convention(c) () -> Handle?
    fileprivate let stop: @convention(c) (Handle) -> Int32
    fileprivate let decompress: Decompress
    fileprivate let errorText: @convention(c) (Handle) -> UnsafePointer<CChar>?
    fileprivate let errorCode: @convention(c) (Handle) -> Int32

    init?(_ library: DynamicLibrary) {
      guard
        let start = unsafe library.function(
          "tjInitDecompress", as: (@convention(c) () -> Handle?).self),
        let stop = unsafe library.function("tjDestroy", as: (@convention(c) (Handle) -> Int32).self),
        let decompress = unsafe library.function("tjDecompress2", as: Decompress.self),
        let text = unsafe library.function(
          "tjGetErrorStr2", as: (@convention(c) (Handle) -> UnsafePointer<CChar>?).self),
        let code = unsafe library.function("tjGetErrorCode", as: (@convention(c) (Handle) -> Int32).self)
      else { return nil }
      unsafe self.start = start
      unsafe self.stop = stop
      unsafe self.decompress = decompress
      unsafe errorText = text
      unsafe errorCode = code
    }
  }

  /// The library's pixel formats (`TJPF_RGB`, `TJPF_CMYK`).
  enum PixelFormat: Int32 {
    case rgb = 0
    case cmyk = 11
  }

  /// `TJFLAG_LIMITSCANS`: a file of thousands of passes over the same pixels is refused.
  fileprivate static let limitScans: Int32 = 1 << 15

  /// One decompressor: of one worker.
  @safe struct Decompressor: ~Copyable {
    private let functions: Functions
    private let handle: Handle

    init(_ functions: Functions) throws(ImageFault) {
      guard let handle = unsafe functions.start() else { throw .damaged("libturbojpeg does not start") }
      self.functions = functions
      unsafe self.handle = handle
    }

    deinit { _ = unsafe functions.stop(handle) }

    /// Decodes a whole file, as it lies in memory, into rows without gaps.
    ///
    /// The library warns where it goes on with what it has: of that what leaves pixels out is a fault here.
    @unsafe func decode(
      _ file: UnsafeRawBufferPointer, width: Int, height: Int, as format: PixelFormat,
      into target: UnsafeMutablePointer<UInt8>
    ) throws(ImageFault) {
      let status = unsafe functions.decompress(
        handle, file.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(file.count), target, Int32(width),
        0, Int32(height), format.rawValue, limitScans)
      guard status != 0 else { return }
      let text = unsafe functions.errorText(handle).map { unsafe String(cString: $0) } ?? "no reason given"
      guard unsafe functions.errorCode(handle) == 0, TurboJPEG.isHarmless(text) else {
        throw .damaged(text)
      }
    }
  }

  /// Warnings behind which all pixels are there.
  private static func isHarmless(_ warning: String) -> Bool {
    ["extraneous bytes before marker", "Adobe color transform", "Invalid SOS parameters"]
      .contains { warning.contains($0) }
  }
}
