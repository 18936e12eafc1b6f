internal import Base
internal import Glibc

/// libpng's simplified interface (`png_image`, version 1), found at run time: any PNG file becomes bytes of red, green, blue and alpha.
enum LibPNG {
  static let libraryName = "libpng16.so.16"
  static let packageName = "libpng16-16"

  private typealias Begin =
    @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer?, Int) -> Int32
  private typealias Finish =
    @convention(c) (
      UnsafeMutableRawPointer, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int32, UnsafeMutableRawPointer?
    ) -> Int32

  /// What was found in the library.
  @safe struct Functions: @unchecked Sendable {
    private let begin: Begin
    private let finish: Finish
    private let free: @convention(c) (UnsafeMutableRawPointer) -> Void

    init?(_ library: DynamicLibrary) {
      guard
        let begin = unsafe library.function("png_image_begin_read_from_memory", as: Begin.self),
        let finish = unsafe library.function("png_image_finish_read", as: Finish.self),
        let free = unsafe library.function(
          "png_image_free", as: (@convention(c) (UnsafeMutableRawPointer) -> Void).self)
      else { return nil }
      unsafe self.begin = begin
      unsafe self.finish = finish
      unsafe self.free = free
    }

    /// Decodes a whole file, as it lies in memory, to four bytes a pixel, in rows without gaps. Alpha is not applied.
    ///
    /// - Parameter target: of 4 `width` `height` bytes.
    @unsafe func decode(
      _ file: UnsafeRawBufferPointer, width: Int, height: Int, into target: UnsafeMutablePointer<UInt8>
    ) throws(ImageFault) {
      // png_image: a pointer, seven words of 32 bits, and 64 characters of a message.
      let image = UnsafeMutableRawPointer.allocate(byteCount: Layout.byteCount, alignment: 8)
      unsafe image.initializeMemory(as: UInt8.self, repeating: 0, count: Layout.byteCount)
      unsafe image.storeBytes(of: 1, toByteOffset: Layout.version, as: UInt32.self)
      defer {
        unsafe free(image)
        unsafe image.deallocate()
      }
      func message() -> String {
        unsafe String(cString: (image + Layout.message).assumingMemoryBound(to: CChar.self))
      }
      guard unsafe begin(image, file.baseAddress, file.count) != 0 else { throw .damaged(message()) }
      let found = unsafe (
        width: Int(image.load(fromByteOffset: Layout.width, as: UInt32.self)),
        height: Int(image.load(fromByteOffset: Layout.height, as: UInt32.self))
      )
      guard found == (width, height) else { throw .changed }
      unsafe image.storeBytes(of: Layout.rgba, toByteOffset: Layout.format, as: UInt32.self)
      let flags = unsafe image.load(fromByteOffset: Layout.flags, as: UInt32.self)
      unsafe image.storeBytes(of: flags | Layout.isSRGB, toByteOffset: Layout.flags, as: UInt32.self)
      guard unsafe finish(image, nil, target, 0, nil) != 0 else { throw .damaged(message()) }
    }
  }

  private enum Layout {
    static let byteCount = 104
    static let version = 8
    static let width = 12
    static let height = 16
    static let format = 20
    static let flags = 24
    static let message = 36
    /// `PNG_FORMAT_RGBA`
    static let rgba: UInt32 = 3
    /// `PNG_IMAGE_FLAG_16BIT_sRGB`: samples of 16 bits are on the scale of those of 8, not linear light.
    static let isSRGB: UInt32 = 4
  }
}
