import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Image files that lie: each is decoded or refused, in time and in the memory that its header asks for.
@Suite("Spoiled image files", .enabled(if: ImageFixtures.hasLibraries)) struct ImageFuzzTests {
  @Test("JPEG and PNG")
  func images() throws {
    let names = [
      "plain.jpg", "progressive.jpg", "cmyk.jpg", "exif.jpg", "full-chroma.jpg", "plain.png", "palette.png",
      "sixteen-bit.png", "grey-alpha.png", "one-bit.png",
    ]
    let files = try names.map { [UInt8](try Data(contentsOf: URL(filePath: ImageFixtures.path($0)))) }
    let folder = TemporaryFolder()
    let path = "\(folder.path)/image"
    let transform = ImageTransform(
      target: ImageDimensions(channels: 3, height: 16, width: 16), resize: 20)
    let report = FuzzCampaign("images", usualCount: 1000).run { seed, random in
      var bytes = files[Int.random(in: 0..<files.count, using: &random)]
      Mutation.spoil(&bytes, head: 200, &random)
      folder.write("image", bytes)
      do {
        let header = try ImageHeader(path: path, largestPixelCount: 1 << 20)
        #expect(header.pixelCount <= 1 << 20, "seed \(seed)")
        var capacity = DecodingCapacity()
        capacity.include(header, fileByteCount: bytes.count, transform, crop: nil)
        let decoder = try ImageDecoder(capacity)
        var target = [UInt8](repeating: 0, count: 768)
        try target.withUnsafeMutableBufferPointer {
          guard let base = $0.baseAddress else { return }
          try decoder.decode(
            try DataFile(path: path), header, fileByteCount: bytes.count, transform, into: base)
        }
        return true
      } catch let fault as ImageFault {
        #expect(!fault.message.isEmpty, "seed \(seed)")
        return false
      } catch {
        Issue.record("seed \(seed): \(error)")
        return false
      }
    }
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
    #expect(report.refusedCount > 0 && report.acceptedCount > 0)
  }
}
