internal import Artifacts
internal import Text

extension LanguageServer {
  private static let commands = ["strata.planPage", "strata.runCommand"]

  /// - Returns: the result; nil where the answer comes later.
  func request(_ id: RequestID, _ method: String, _ params: JSON) throws(RPCFault) -> JSON? {
    if method == "initialize" { return try initialize(params) }
    switch phase {
    case .starting: throw RPCFault(.notInitialized, "'initialize' comes first")
    case .shutDown: throw RPCFault(.invalidRequest, "the server was shut down")
    case .serving: break
    }
    switch method {
    case "shutdown":
      phase = .shutDown
      dropWaiting()
      return .null
    case "textDocument/hover": return try hover(params)
    case "textDocument/completion": return try completion(params)
    case "textDocument/documentSymbol": return try symbols(params)
    case "textDocument/definition": return try definition(params)
    case "textDocument/codeAction": return try quickFixes(id, params)
    case "textDocument/inlayHint": return try hints(id, params)
    case "textDocument/codeLens": return try lenses(id, params)
    case "workspace/executeCommand": return try execute(id, params)
    case _: throw RPCFault(.methodNotFound, "there is no '\(method)'")
    }
  }

  func notify(_ method: String, _ params: JSON) {
    if method == "exit" { return end(phase == .shutDown ? 0 : 1) }
    guard phase == .serving else { return }
    switch method {
    case "initialized": askForSettings()
    case "textDocument/didOpen": open(params)
    case "textDocument/didChange": change(params)
    case "textDocument/didClose": close(params)
    case "textDocument/didSave": lookAgain(params)
    case "workspace/didChangeWatchedFiles": for uri in documents.keys { documents[uri]?.touch() }
    case "workspace/didChangeConfiguration":
      // Some clients send their settings, others want to be asked.
      if case .object? = params["settings"] {
        apply(settings: params["settings"] ?? .null)
      } else {
        askForSettings()
      }
    case "$/cancelRequest": if let id = RequestID(params["id"]) { cancel(id) }
    case _: break  // what a server does not know it passes over, as the protocol has it
    }
  }

  private func initialize(_ params: JSON) throws(RPCFault) -> JSON {
    guard phase == .starting else { throw RPCFault(.invalidRequest, "'initialize' comes once") }
    settings = ClientSettings(params)
    rootPath =
      (params["rootUri"]?.string).flatMap { DocumentURI($0).path } ?? params["rootPath"]?.string
    phase = .serving
    return [
      "capabilities": [
        "positionEncoding": .string(settings.encoding.rawValue),
        "textDocumentSync": ["openClose": true, "change": 2, "save": ["includeText": false]],
        "hoverProvider": true,
        "completionProvider": ["triggerCharacters": [":", " ", "/"]],
        "definitionProvider": true, "documentSymbolProvider": true,
        "codeActionProvider": ["codeActionKinds": ["quickfix"]],
        "codeLensProvider": ["resolveProvider": false], "inlayHintProvider": true,
        "executeCommandProvider": ["commands": .array(Self.commands.map(JSON.string))],
      ],
      "serverInfo": ["name": "strata", "version": .string(version)],
    ]
  }

  private func askForSettings() {
    guard settings.hasConfiguration else { return }
    ask("workspace/configuration", ["items": [["section": "strata"]]], .configuration)
  }

  func apply(settings new: JSON) {
    if settings.read(new) { refresh() }
  }

  /// Tells the client that hints and lenses are others than before.
  func refresh() {
    if settings.refreshesHints { ask("workspace/inlayHint/refresh", .null) }
    if settings.refreshesLenses { ask("workspace/codeLens/refresh", .null) }
  }

  // MARK: - Waiting requests

  func cancel(_ id: RequestID) {
    if pending.removeValue(forKey: id) != nil { return answer(id, .failure(.cancelled)) }
    for uri in documents.keys {
      guard let index = documents[uri]?.waiting.firstIndex(where: { $0.id == id }) else { continue }
      documents[uri]?.waiting.remove(at: index)
      return answer(id, .failure(.cancelled))
    }
  }

  private func dropWaiting() {
    for uri in documents.keys.sorted(by: { $0.text < $1.text }) { dropWaiting(of: uri, .cancelled) }
    for id in pending.keys.sorted(by: { "\($0)" < "\($1)" }) { answer(id, .failure(.cancelled)) }
    pending = [:]
  }

  func dropWaiting(of uri: DocumentURI, _ fault: RPCFault) {
    for (id, _) in documents[uri]?.waiting ?? [] { answer(id, .failure(fault)) }
    documents[uri]?.waiting = []
  }
}
