internal import Artifacts
internal import Text

/// What a client can do and wants, from `initialize` and its settings.
struct ClientSettings {
  var encoding = PositionEncoding.utf16
  var hasSnippets = false
  var hasRelatedInformation = false
  var hasCodeDescription = false
  var refreshesHints = false
  var refreshesLenses = false
  var showsDocuments = false
  /// Gives its settings when it is asked.
  var hasConfiguration = false
  var hasHierarchicalSymbols = false
  var processID: Int?
  /// Commands that the client carries out itself, by its own word.
  var ownCommands: [String] = []

  var showsShapes = true
  var showsMemory = true
  var showsLens = true

  init() {}

  /// - Parameter params: of `initialize`.
  init(_ params: JSON) {
    let capabilities = params["capabilities"]
    let document = capabilities?["textDocument"]
    let workspace = capabilities?["workspace"]
    let encodings = capabilities?["general"]?["positionEncodings"]?.elements.compactMap(\.string) ?? []
    encoding = encodings.contains(PositionEncoding.utf8.rawValue) ? .utf8 : .utf16
    hasSnippets = document?["completion"]?["completionItem"]?["snippetSupport"]?.bool ?? false
    hasRelatedInformation = document?["publishDiagnostics"]?["relatedInformation"]?.bool ?? false
    hasCodeDescription = document?["publishDiagnostics"]?["codeDescriptionSupport"]?.bool ?? false
    hasHierarchicalSymbols =
      document?["documentSymbol"]?["hierarchicalDocumentSymbolSupport"]?.bool ?? false
    refreshesHints = workspace?["inlayHint"]?["refreshSupport"]?.bool ?? false
    refreshesLenses = workspace?["codeLens"]?["refreshSupport"]?.bool ?? false
    hasConfiguration = workspace?["configuration"]?.bool ?? false
    showsDocuments = capabilities?["window"]?["showDocument"]?["support"]?.bool ?? false
    processID = params["processId"]?.integer
    let options = params["initializationOptions"]
    ownCommands = options?["commands"]?.elements.compactMap(\.string) ?? []
    if let options { read(options) }
  }

  /// `{"hints": {"shapes": true, "memory": true}, "lens": true}`, by itself or below `strata`; what is not there stays.
  ///
  /// - Returns: whether something is another than before.
  @discardableResult
  mutating func read(_ settings: JSON) -> Bool {
    let before = (showsShapes, showsMemory, showsLens)
    let settings = settings["strata"] ?? settings
    if let all = settings["hints"]?.bool { (showsShapes, showsMemory) = (all, all) }
    showsShapes = settings["hints"]?["shapes"]?.bool ?? showsShapes
    showsMemory = settings["hints"]?["memory"]?.bool ?? showsMemory
    showsLens = settings["lens"]?.bool ?? showsLens
    return before != (showsShapes, showsMemory, showsLens)
  }
}
