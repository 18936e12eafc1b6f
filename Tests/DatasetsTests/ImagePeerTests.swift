import Base
import Foundation
import Testing

@testable import Datasets

private let peerFolder = ProcessInfo.processInfo.environment["STRATA_PEER_IMAGES"]

/// What `Tests/Peers/images.py` holds against torchvision: runs where `STRATA_PEER_IMAGES` names a folder of images.
@Suite("Images beside torchvision", .enabled(if: peerFolder != nil))
struct ImagePeerTests {
  /// Writes what becomes of every file, in order of names, to `crops.raw` in the folder, and prints images a second and core.
  @Test("are resized and cropped, and timed")
  func crops() throws {
    let folder = try #require(peerFolder)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }
    let transform = ImageTransform(
      target: ImageDimensions(channels: 3, height: 224, width: 224), resize: 256)
    let crop = RandomResizedCrop()
    var capacity = DecodingCapacity()
    let files = try names.map { name in
      let path = "\(folder)/\(name)"
      let header = try ImageHeader(path: path, largestPixelCount: 1 << 26)
      let byteCount = try ImageFixtures.byteCount(path)
      capacity.include(header, fileByteCount: byteCount, transform, crop: crop)
      return (path, header, byteCount)
    }
    let decoder = try ImageDecoder(capacity)
    var target = [UInt8](repeating: 0, count: transform.target.elementCount)
    func pass(_ crop: RandomResizedCrop?, _ body: ([UInt8]) -> Void) throws -> Double {
      let start = ContinuousClock.now
      for (index, (path, header, byteCount)) in files.enumerated() {
        let random = CounterRandom(seed: 1, purpose: .augmentation, 1, index)
        try target.withUnsafeMutableBufferPointer {
          try decoder.decode(
            try DataFile(path: path), header, fileByteCount: byteCount, transform, crop: crop,
            uniform: { Double(random.uint64(at: $0) >> 11) * 0x1p-53 }, into: try #require($0.baseAddress))
        }
        body(target)
      }
      return Double(files.count) / ((ContinuousClock.now - start) / .seconds(1))
    }
    var crops = Data()
    _ = try pass(nil) { crops.append(contentsOf: $0) }
    try crops.write(to: URL(filePath: "\(folder)/crops.raw"))
    let (center, random) = (try pass(nil) { _ in }, try pass(crop) { _ in })
    print("peer: \(Int(center)) images/s resized and cut, \(Int(random)) as random boxes")
  }
}
