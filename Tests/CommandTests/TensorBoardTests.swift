import Foundation
import Testing

/// Scalars of an event file, by the format alone.
private struct EventRecords {
  var version = ""
  /// By tag: epochs and values, in order.
  var scalars: [String: [(step: Int, value: Float)]] = [:]

  init(_ bytes: [UInt8]) throws {
    var place = 0
    func word(_ count: Int) -> UInt64 {
      defer { place += count }
      return (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << (8 * UInt64($1)) }
    }
    while place < bytes.count {
      let head = Array(bytes[place..<place + 8])
      let length = Int(word(8))
      #expect(UInt32(word(4)) == Self.masked(head))
      let data = Array(bytes[place..<place + length])
      place += length
      #expect(UInt32(word(4)) == Self.masked(data))
      note(data)
    }
  }

  private mutating func note(_ data: [UInt8]) {
    var step = 0
    for (field, integer, bytes) in Self.fields(data) {
      switch field {
      case 2: step = integer
      case 3: version = String(decoding: bytes, as: UTF8.self)
      case 5:
        for (_, _, value) in Self.fields(bytes) {
          let parts = Self.fields(value)
          let tag = String(decoding: parts.first { $0.0 == 1 }?.2 ?? [], as: UTF8.self)
          let bits = parts.first { $0.0 == 2 }?.1 ?? 0
          scalars[tag, default: []].append((step, Float(bitPattern: UInt32(bits))))
        }
      default: continue
      }
    }
  }

  private static func fields(_ bytes: [UInt8]) -> [(Int, Int, [UInt8])] {
    var fields: [(Int, Int, [UInt8])] = []
    var place = 0
    func varint() -> Int {
      var (value, shift) = (0, 0)
      while true {
        defer { place += 1 }
        value |= Int(bytes[place] & 0x7F) << shift
        shift += 7
        if bytes[place] < 0x80 { return value }
      }
    }
    while place < bytes.count {
      let key = varint()
      switch key & 7 {
      case 0: fields.append((key >> 3, varint(), []))
      case 1:
        place += 8
        fields.append((key >> 3, 0, []))
      case 2:
        let count = varint()
        fields.append((key >> 3, 0, Array(bytes[place..<place + count])))
        place += count
      default:
        let bits = (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        fields.append((key >> 3, bits, []))
        place += 4
      }
    }
    return fields
  }

  /// Bit by bit.
  private static func masked(_ bytes: [UInt8]) -> UInt32 {
    var value: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
    }
    value = ~value
    return ((value >> 15) | (value << 17)) &+ 0xA282_EAD8
  }
}

@Suite("TensorBoard")
struct TensorBoardTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func events(_ folder: String) throws -> [EventRecords] {
    try workspace.names(in: folder).filter { $0.hasPrefix("events.out.tfevents.") }.map {
      try EventRecords([UInt8](workspace.data("\(folder)/\($0)")))
    }
  }

  @Test("a run's epochs are scalars of every module, those of older runs as well")
  func scalars() throws {
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--tensorboard")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    let own = try #require(try events("out").first)
    #expect(own.version == "brain.Event:2")
    let metrics = try workspace.text("out/metrics.jsonl")
    for module in 1...2 {
      for split in ["train", "test"] {
        for kind in ["loss", "top1"] {
          let points = try #require(own.scalars["\(kind)/\(split)/module \(module)"])
          #expect(points.map(\.step) == [1, 2])
          for line in metrics.split(separator: "\n")
          where line.contains("\"module\":\(module),") && line.contains("\"split\":\"\(split)\"") {
            let document = try #require(
              try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let (epoch, value) = (document["epoch"] as? Int ?? 0, document[kind] as? Double ?? .nan)
            #expect(abs(Double(points[epoch - 1].value) - value) < 1e-6)
          }
        }
      }
      #expect(own.scalars["learning rate/module \(module)"]?.count == 2)
    }
    for tag in [
      "images per second", "memory/planned MiB", "memory/resident MiB", "top1/test/ensemble to module 2",
    ] {
      #expect(own.scalars[tag]?.count == 2, "\(tag)")
    }
    let compared = try workspace.strata("compare", "out", "--tensorboard", "board")
    #expect(compared.exitCode == 0, "\(compared.diagnostics)")
    let copied = try #require(try events("board/out").first)
    #expect(
      copied.scalars["loss/test/module 2"]?.map(\.value) == own.scalars["loss/test/module 2"]?.map(\.value))
    // Without the option there is none.
    #expect(try workspace.strata("run", "net.yaml", "-o", "plain").exitCode == 0)
    #expect(try events("plain").isEmpty)
  }
}
