internal import Foundation
internal import Text

/// Why a plan file can't be read.
package enum StoredPlanError: Error {
  case unreadable(path: String, reason: String)
  case notAPlan(path: String, reason: String)

  package var message: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read '\(path)': \(reason)"
    case .notAPlan(let path, let reason): "\(path): not a plan of Strata's: \(reason)"
    }
  }
}

/// What a plan file is pinned to. The programs themselves are compiled again from the spec's text that the file keeps, and
/// must come out with the same layout: compiling is deterministic.
package struct StoredPlan: Decodable, Sendable {
  package struct Spec: Decodable, Sendable {
    package var sha256: String
    /// From the plan's folder; nil in a plan that was printed, not kept.
    package var path: String?
    /// The canonical text of the resolved spec.
    package var text: String
  }

  package struct Data: Decodable, Sendable {
    package var path: String?
    package var fingerprint: String?
  }

  package var schema: String
  package var name: String
  package var threads: Int
  package var spec: Spec
  package var data: Data
  package var layoutSha256: String

  /// Plans are small: a larger file is something else.
  package static let largestByteCount = 4 << 20

  package init(path: String) throws(StoredPlanError) {
    let bytes: Foundation.Data
    do {
      guard let file = FileHandle(forReadingAtPath: path) else {
        throw StoredPlanError.unreadable(path: path, reason: "no such file, or not readable")
      }
      bytes = try file.read(upToCount: Self.largestByteCount + 1) ?? Foundation.Data()
    } catch let error as StoredPlanError {
      throw error
    } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
    guard bytes.count <= Self.largestByteCount else {
      throw .notAPlan(path: path, reason: "it is larger than \(Self.largestByteCount) bytes")
    }
    do {
      self = try JSONDecoder().decode(StoredPlan.self, from: bytes)
    } catch let error as DecodingError {
      throw .notAPlan(path: path, reason: error.words)
    } catch {
      throw .notAPlan(path: path, reason: "it is no JSON")
    }
    guard schema == "strata.plan/1" else {
      throw .notAPlan(path: path, reason: "its schema is '\(schema)', expected 'strata.plan/1'")
    }
    guard (1...256).contains(threads) else {
      throw .notAPlan(path: path, reason: "\(threads) threads, expected 1 to 256")
    }
  }
}

extension DecodingError {
  fileprivate var words: String {
    func place(_ context: Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
    switch self {
    case .keyNotFound(let key, let context):
      let path = (context.codingPath.map(\.stringValue) + [key.stringValue]).joined(separator: ".")
      return "'\(path)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "'\(place(context))' has the wrong type"
    case .dataCorrupted: return "it is no JSON"
    @unknown default: return "it is no JSON"
    }
  }
}
