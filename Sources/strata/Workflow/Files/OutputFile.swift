internal import Artifacts
internal import Base
internal import Diagnostics
internal import Glibc
internal import Terminal
internal import Text

/// A file that the command line asks to be written. Only what Strata itself has written in the same place is written over.
struct OutputFile {
  enum Kind {
    case plan, page, onnx, python, torchvision

    var words: String {
      switch self {
      case .plan: "a plan of Strata's"
      case .page: "a page of Strata's"
      case .onnx: "an ONNX model of Strata's"
      case .python: "a PyTorch module of Strata's"
      case .torchvision: "a file of weights that `strata export` has written"
      }
    }
  }

  /// As it is typed.
  let option: String
  let path: String
  let kind: Kind

  /// Before any work is done for it: each file may be written, and none is another one, or a file that is read.
  static func requireFree(_ outputs: [OutputFile], inputs: [String] = []) throws(CommandFailure) {
    var others: [(option: String, target: FileTarget)] = []
    for output in outputs {
      let target: FileTarget
      do {
        target = try FileTarget(output.path)
      } catch {
        throw CommandFailure(.failed, "'\(output.option)': \(error.message)")
      }
      if let other = others.first(where: { $0.target.isSame(as: target) }) {
        throw CommandFailure(
          .faultyInput, "'\(other.option)' and '\(output.option)' name the same file, \(output.path)",
          help: "give each a file of its own")
      }
      others.append((output.option, target))
      switch target {
      case .stream: continue
      case .file(let place): try output.requireFree(place, inputs: inputs)
      }
    }
  }

  private func requireFree(_ place: String, inputs: [String]) throws(CommandFailure) {
    let identity = FileIdentity(place)
    if identity != nil, inputs.contains(where: { FileIdentity($0) == identity }) {
      throw refusal("is read by the same command")
    }
    if RunDirectory.isFileOfRun(place) { throw refusal("is one of the run in its folder") }
    // An empty file has nothing to lose: `mktemp` makes them.
    guard let identity, identity.byteCount > 0, !isOurs(place) else { return }
    throw refusal("is there already, and is not \(kind.words)")
  }

  private func refusal(_ reason: String) -> CommandFailure {
    CommandFailure(
      .faultyInput, "'\(option) \(path)': the file \(reason)",
      help: "name another file, or move that one away")
  }

  private func beginning(of place: String) -> [UInt8] {
    let descriptor = unsafe open(place, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }

  private func isOurs(_ place: String) -> Bool {
    switch kind {
    case .plan: PlanLock.holdsPlan(place)
    // The program that wrote it stands behind the version.
    case .onnx: beginning(of: place).dropFirst(2).starts(with: [0x12, 6] + Array("strata".utf8))
    case .python: String(decoding: beginning(of: place), as: UTF8.self).contains("Written by `strata export`")
    case .torchvision:
      (try? SafetensorsReader(path: place))?.metadata.contains { $0 == ("writer", StoredModel.writer) }
        ?? false
    case .page:
      (try? readSource(path: place, limit: 1024)).map {
        HTMLPage.isDocument(beginningWith: String(decoding: $0, as: UTF8.self))
      } ?? false
    }
  }
}
