internal import Artifacts
internal import Base
internal import Diagnostics
internal import Glibc
internal import Pipeline
internal import SpecLanguage
internal import Text

/// Hover, completion, symbols and definitions.
extension LanguageServer {
  /// - Returns: the cursor as a byte offset.
  private func cursor(_ params: JSON, in document: OpenDocument) throws(RPCFault) -> Int {
    settings.encoding.offset(of: try LinePosition(params["position"]), in: document.file)
  }

  func hover(_ params: JSON) throws(RPCFault) -> JSON {
    let (uri, document) = try document(params)
    let cursor = try cursor(params, in: document)
    guard let checked = checked(uri) else { return .null }
    let (service, source) = (service, source(document))
    let hover = Hover(
      checked: checked, outline: SpecOutline(document.text.bytes), summary: document.plan.summary
    ) {
      service.dataFacts(source)
    }
    guard let (markdown, range) = hover.text(at: cursor) else { return .null }
    return [
      "contents": ["kind": "markdown", "value": .string(markdown)],
      "range": settings.encoding.range(of: range, in: document.file),
    ]
  }

  func completion(_ params: JSON) throws(RPCFault) -> JSON {
    let (uri, document) = try document(params)
    let cursor = try cursor(params, in: document)
    guard
      document.isSpec
        || document.text.isYAML && !document.text.isLost && SpecRecognition.isEmpty(document.text.bytes)
    else { return ["isIncomplete": false, "items": []] }
    let folder = FilePath.folder(of: path(of: uri))
    let completion = Completion(settings: settings) {
      Folder.names(in: $0.hasPrefix("/") ? $0 : "\(folder)/\($0)")
    }
    let items = completion.items(document.text.bytes, cursor: cursor)
    return [
      "isIncomplete": false,
      "items": .array(items.enumerated().map { item($0.element, rank: $0.offset, in: document.file) }),
    ]
  }

  private func item(_ item: Completion.Item, rank: Int, in file: SourceFile) -> JSON {
    let digits = String(rank)
    var members: [(key: String, value: JSON)] = [
      ("label", .string(item.label)), ("kind", .integer(item.kind.rawValue)),
      ("sortText", .string(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)),
      ("insertTextFormat", .integer(item.isSnippet ? 2 : 1)), ("insertTextMode", 1),
      (
        "textEdit",
        ["range": settings.encoding.range(of: item.replaces, in: file), "newText": .string(item.text)]
      ), ("filterText", .string(item.label)),
    ]
    if !item.detail.isEmpty { members.append(("detail", .string(item.detail))) }
    if !item.documentation.isEmpty {
      members.append(("documentation", ["kind": "markdown", "value": .string(item.documentation)]))
    }
    return .object(members)
  }

  func symbols(_ params: JSON) throws(RPCFault) -> JSON {
    let (uri, document) = try document(params)
    guard let checked = checked(uri) else { return [] }
    let network = checked.isSound ? checked.spec.flatMap { try? NamedOutline(LoweredSpec($0)) } : nil
    return Symbols(
      uri: uri, settings: settings, file: document.file, outline: SpecOutline(document.text.bytes),
      network: network
    ).json
  }

  /// Of `network.from`: the spec of the run that left the weights, or their file.
  func definition(_ params: JSON) throws(RPCFault) -> JSON {
    let (uri, document) = try document(params)
    let cursor = try cursor(params, in: document)
    guard document.isSpec else { return .null }
    let outline = SpecOutline(document.text.bytes)
    guard let network = outline.mapping(at: "network"), let from = outline.scalar("from", in: network),
      let entry = outline.entries(network).first(where: { $0.key == "from" }),
      entry.keyRange.touches(cursor) || outline.nodes[entry.value].range.touches(cursor)
    else { return .null }
    let folder = FilePath.folder(of: path(of: uri))
    let weights = StartFile.path(from.hasPrefix("/") ? from : "\(folder)/\(from)")
    let run = FilePath.folder(of: weights)
    let places = ["\(run)/spec.yaml", "\(run)/plan.json", weights]
    guard let absolute = places.lazy.compactMap({ FilePath.real($0) }).first else { return .null }
    let start = LinePosition(line: 0, character: 0).json
    return ["uri": .string(DocumentURI(path: absolute).text), "range": ["start": start, "end": start]]
  }
}

/// What lies in a folder.
enum Folder {
  /// More are not listed.
  private static let mostNames = 500

  /// Sorted, without hidden ones; folders end in `/`. Nothing where there is no such folder.
  static func names(in path: String) -> [String] {
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while names.count < mostNames, let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
      }
      guard !name.hasPrefix(".") else { continue }
      let isFolder = unsafe access("\(path)/\(name)/.", F_OK) == 0
      names.append(isFolder ? name + "/" : name)
    }
    return names.sorted()
  }
}
