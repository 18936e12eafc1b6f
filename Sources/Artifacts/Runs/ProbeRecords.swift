internal import Base
internal import Glibc
internal import Text

/// What one probe has found behind every module of a finished run.
package struct ProbeRecord: Hashable, Sendable {
  /// Records of equal settings can be compared, and replace each other.
  package struct Settings: Hashable, Sendable {
    /// `linear`, `nearest`, `cnn-1`, `cnn-2`.
    package var learner: String
    /// What it read: `2x2` or `full`.
    package var features: String
    /// Of convolutional probes; nil for the others.
    package var epochs: Int?
    /// Channels of a convolutional probe; nil for the features' own.
    package var width: Int?
    /// Of the images that it learned from and was tested on.
    package var dataFingerprint: String?

    package init(
      learner: String, features: String, epochs: Int?, width: Int?, dataFingerprint: String?
    ) {
      self.learner = learner
      self.features = features
      self.epochs = epochs
      self.width = width
      self.dataFingerprint = dataFingerprint
    }

    /// `cnn-1 probe, features 2x2, 10 epochs, width 64`.
    package var words: String {
      "\(learner) probe, features \(features)" + (epochs.map { ", \($0) epochs" } ?? "")
        + (width.map { ", width \($0)" } ?? "")
    }
  }

  package struct Depth: Hashable, Sendable {
    /// 0: the images.
    package var module: Int
    package var name: String
    /// Numbers an image.
    package var features: Int
    /// Nil where it says nothing: a training image is its own nearest neighbour.
    package var trainTop1: Double?
    package var testTop1: Double

    package init(module: Int, name: String, features: Int, trainTop1: Double?, testTop1: Double) {
      self.module = module
      self.name = name
      self.features = features
      self.trainTop1 = trainTop1
      self.testTop1 = testTop1
    }
  }

  package var settings: Settings
  package var depths: [Depth]

  package init(_ settings: Settings, _ depths: [Depth]) {
    self.settings = settings
    self.depths = depths
  }
}

/// `probes.json` of a run's folder: what all probes of the run have found, the last one for each of their settings.
package struct ProbeRecords: Hashable, Sendable {
  package private(set) var records: [ProbeRecord]

  static let schema = "strata.probes/1"

  /// None where the run was never probed.
  package init(folder: String) throws(RunStatusError) {
    let path = "\(folder)/\(RunDirectory.probesName)"
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try RunDirectory.bytes(of: RunDirectory.probesName, in: folder)
    } catch {
      guard error.code == ENOENT else { throw .file(error) }
      records = []
      return
    }
    let document: JSON
    do throws(JSONScanner.Fault) {
      var scanner = JSONScanner(bytes)
      document = try scanner.document()
      try scanner.end()
    } catch {
      throw .malformed(path: path, offset: error.offset, expected: error.expected, found: error.found)
    }
    let read = (document["probes"]?.elements ?? []).map(ProbeRecord.init(json:))
    guard document["schema"]?.string == Self.schema, !read.contains(nil) else {
      throw .malformed(path: path, offset: 0, expected: "probes of '\(Self.schema)'", found: "something else")
    }
    records = read.compactMap(\.self)
  }

  /// Adds `new` ones; those of equal settings give way to them.
  package mutating func keep(_ new: [ProbeRecord]) {
    for record in new {
      if let index = records.firstIndex(where: { $0.settings == record.settings }) {
        records[index] = record
      } else {
        records.append(record)
      }
    }
  }

  /// Adds `new` ones to those of a run's folder, which is held meanwhile, and puts the file in place at once.
  package static func keep(_ new: [ProbeRecord], in folder: String) throws(RunStatusError) {
    let directory: RunDirectory
    do throws(RunDirectoryError) { directory = try RunDirectory.open(folder) } catch {
      switch error {
      case .file(let error): throw .file(error)
      case .locked: throw .file(FileError(path: folder, operation: "lock", code: EWOULDBLOCK))
      case .holdsRun, .notEmpty, .notAFolder, .holdsNoRun: throw .noRun(path: folder)
      }
    }
    var records = try ProbeRecords(folder: folder)
    records.keep(new)
    let run = try RunStatus(folder: folder)
    let document: JSON = [
      "schema": .string(Self.schema), "name": .string(run.name),
      "weightsSha256": .optional(run.weightsSHA256, JSON.string),
      "probes": .array(records.records.map(\.json)),
    ]
    do throws(FileError) {
      try directory.replace(RunDirectory.probesName, JSONWriter.document(document))
    } catch { throw .file(error) }
  }
}

extension ProbeRecord {
  fileprivate init?(json: JSON) {
    guard let learner = json["learner"]?.string, let features = json["features"]?.string else { return nil }
    settings = Settings(
      learner: learner, features: features, epochs: json["epochs"]?.integer, width: json["width"]?.integer,
      dataFingerprint: json["dataFingerprint"]?.string)
    depths = []
    for depth in json["depths"]?.elements ?? [] {
      guard let module = depth["module"]?.integer, let name = depth["name"]?.string,
        let features = depth["features"]?.integer, let testTop1 = depth["testTop1"]?.double
      else { return nil }
      depths.append(
        Depth(
          module: module, name: name, features: features, trainTop1: depth["trainTop1"]?.double,
          testTop1: testTop1))
    }
  }

  var json: JSON {
    let depths = depths.map { depth in
      JSON.object([
        ("module", .integer(depth.module)), ("name", .string(depth.name)),
        ("features", .integer(depth.features)), ("trainTop1", .optional(depth.trainTop1, JSON.number)),
        ("testTop1", .number(depth.testTop1)),
      ])
    }
    let fingerprint = JSON.optional(settings.dataFingerprint, JSON.string)
    return .object(settings.members + [("dataFingerprint", fingerprint), ("depths", .array(depths))])
  }
}

extension ProbeRecord.Settings {
  /// All but the images.
  var members: [(key: String, value: JSON)] {
    [
      ("learner", .string(learner)), ("features", .string(features)),
      ("epochs", .optional(epochs, JSON.integer)), ("width", .optional(width, JSON.integer)),
    ]
  }
}
