internal import Base

/// The libraries that decode images, each loaded when the first file needs it.
///
/// Which they are called on this machine is a matter of the process, not of a run: `nil` for a library that is not there.
package struct ImageLibraries: Sendable {
  let turboJPEG: TurboJPEG.Functions?
  let png: LibPNG.Functions?

  /// - Parameters: names that the linker looks for; other names than the usual ones are for tests.
  package init(turboJPEG: String? = nil, png: String? = nil) {
    self.turboJPEG = DynamicLibrary(turboJPEG ?? TurboJPEG.libraryName).flatMap(TurboJPEG.Functions.init)
    self.png = DynamicLibrary(png ?? LibPNG.libraryName).flatMap(LibPNG.Functions.init)
  }

  package static let system = ImageLibraries()

  /// Throws where the one that a format takes is missing.
  package func require(_ format: ImageHeader.Format) throws(ImageFault) {
    switch format {
    case .jpeg where turboJPEG == nil:
      throw .missingLibrary(
        format: "JPEG", library: TurboJPEG.libraryName, package: TurboJPEG.packageName)
    case .png where png == nil:
      throw .missingLibrary(format: "PNG", library: LibPNG.libraryName, package: LibPNG.packageName)
    case .jpeg, .png: break
    }
  }

  /// Bytes of code and data that stay resident once both are loaded.
  package static let residentByteCount = 1 << 20
}
