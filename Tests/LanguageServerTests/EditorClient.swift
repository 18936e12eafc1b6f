import Foundation
import LanguageServer
import Testing

/// An editor as far as messages go: it starts `strata lsp`, talks to it, and reads its answers.
final class EditorClient {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var framing = MessageFraming()
  private var requestCount = 0
  /// What the server said unasked, the oldest first.
  private(set) var notices: [[String: Any]] = []

  struct Gone: Error {}
  struct TooLate: Error {}

  /// Longest that an answer may take: machines are slow that do much else. It holds no figure, it ends a test that hangs.
  private static let patienceSeconds = 300

  /// The program lies beside the bundle that holds these tests.
  static let executable = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appending(path: "strata")

  static let environment: [String: String] = {
    let kept = ["ASAN_OPTIONS", "TSAN_OPTIONS", "OPENBLAS_CORETYPE"]
    let own = ProcessInfo.processInfo.environment.filter { kept.contains($0.key) }
    return own.merging(["PATH": "/usr/bin:/bin"]) { $1 }
  }()

  /// Starts the server, without a word to it.
  init(cache: URL? = nil) throws {
    process.executableURL = Self.executable
    process.arguments = ["lsp", "--stdio"]
    process.environment = Self.environment.merging(
      cache.map { ["XDG_CACHE_HOME": $0.path] } ?? [:]
    ) { $1 }
    process.currentDirectoryURL = FileManager.default.temporaryDirectory
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  /// Starts the server and makes it ready.
  convenience init(capabilities: [String: Any], options: [String: Any] = [:], cache: URL? = nil) throws {
    try self.init(cache: cache)
    _ = try request(
      "initialize", ["processId": NSNull(), "capabilities": capabilities, "initializationOptions": options])
    notify("initialized", [:])
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// What modern editors can do.
  static var capabilities: [String: Any] {
    [
      "textDocument": [
        "completion": ["completionItem": ["snippetSupport": true]],
        "publishDiagnostics": ["relatedInformation": true, "codeDescriptionSupport": true],
        "documentSymbol": ["hierarchicalDocumentSymbolSupport": true],
      ]
    ]
  }

  var processID: Int32 { process.processIdentifier }

  // MARK: - Sending

  func send(_ bytes: Data) { try? input.fileHandleForWriting.write(contentsOf: bytes) }

  func send(_ message: [String: Any]) {
    guard let body = try? JSONSerialization.data(withJSONObject: message) else { return }
    send(Data("Content-Length: \(body.count)\r\n\r\n".utf8) + body)
  }

  func notify(_ method: String, _ params: [String: Any]) {
    send(["jsonrpc": "2.0", "method": method, "params": params])
  }

  /// Sends a request without waiting for its answer.
  func ask(_ method: String, _ params: [String: Any]) -> Int {
    requestCount += 1
    send(["jsonrpc": "2.0", "id": requestCount, "method": method, "params": params])
    return requestCount
  }

  func closeInput() { try? input.fileHandleForWriting.close() }

  // MARK: - Receiving

  /// The next message, whatever it is.
  func next() throws -> [String: Any] {
    let deadline = ContinuousClock.now + .seconds(Self.patienceSeconds)
    while true {
      switch framing.next() {
      case .message(let body):
        return try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
      case .tooLarge, .broken: throw Gone()
      case nil: break
      }
      var waiting = pollfd(
        fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard ContinuousClock.now < deadline else { throw TooLate() }
      guard poll(&waiting, 1, 1000) > 0 else { continue }
      let bytes = output.fileHandleForReading.availableData
      if bytes.isEmpty { throw Gone() }
      framing.append(Array(bytes))
    }
  }

  /// The answer to a request: the whole message.
  func answer(_ id: Int) throws -> [String: Any] {
    while true {
      let message = try next()
      if message["method"] == nil, message["id"] as? Int == id { return message }
      notices.append(message)
    }
  }

  @discardableResult
  func request(_ method: String, _ params: [String: Any]) throws -> [String: Any] {
    try answer(ask(method, params))
  }

  /// The result of a request about a document.
  func result(_ method: String, _ uri: String, _ more: [String: Any] = [:]) throws -> Any? {
    let params = more.merging(["textDocument": ["uri": uri]]) { $1 }
    let answer = try request(method, params)
    #expect(answer["error"] == nil, "\(method): \(answer)")
    return answer["result"]
  }

  /// The diagnostics of a version of a document, as soon as they are there.
  func diagnostics(_ uri: String, version: Int) throws -> [[String: Any]] {
    while true {
      for (index, message) in notices.enumerated() {
        guard message["method"] as? String == "textDocument/publishDiagnostics",
          let params = message["params"] as? [String: Any], params["uri"] as? String == uri,
          params["version"] as? Int == version
        else { continue }
        notices.removeSubrange(...index)
        return params["diagnostics"] as? [[String: Any]] ?? []
      }
      notices.append(try next())
    }
  }

  func forgetNotices() { notices = [] }

  // MARK: - Documents

  func open(_ uri: String, _ text: String, version: Int = 1) {
    notify(
      "textDocument/didOpen",
      ["textDocument": ["uri": uri, "languageId": "yaml", "version": version, "text": text]])
  }

  func close(_ uri: String) { notify("textDocument/didClose", ["textDocument": ["uri": uri]]) }

  func change(_ uri: String, version: Int, _ changes: [[String: Any]]) {
    notify(
      "textDocument/didChange",
      ["textDocument": ["uri": uri, "version": version], "contentChanges": changes])
  }

  /// Every hint of a document, once its plan is there.
  func hints(_ uri: String) throws -> [[String: Any]] {
    let all = ["start": ["line": 0, "character": 0], "end": ["line": 1_000_000, "character": 0]]
    return try result("textDocument/inlayHint", uri, ["range": all]) as? [[String: Any]] ?? []
  }

  /// The titles above the first line.
  func lenses(_ uri: String) throws -> [String] {
    let lenses = try result("textDocument/codeLens", uri) as? [[String: Any]] ?? []
    return lenses.compactMap { ($0["command"] as? [String: Any])?["title"] as? String }
  }

  /// Says good-bye as the protocol wants it.
  func end() throws -> Int32 {
    try request("shutdown", [:])
    notify("exit", [:])
    return waitForExit()
  }

  func waitForExit() -> Int32 {
    process.waitUntilExit()
    #expect(process.terminationReason == .exit, "the server died of a signal")
    return process.terminationStatus
  }
}

/// A place in a text, counted here without the code under test.
func utf16Position(_ text: String, byte: Int) -> [String: Int] {
  let before = String(decoding: Array(text.utf8)[..<byte], as: UTF8.self)
  var line = 0
  var character = 0
  var last: UInt16 = 0
  for unit in before.utf16 {
    if unit == 0x0A, last == 0x0D {
      // The second half of a line's end.
    } else if unit == 0x0A || unit == 0x0D {
      line += 1
      character = 0
    } else {
      character += 1
    }
    last = unit
  }
  return ["line": line, "character": character]
}

/// A folder of a test's own, gone with the value.
final class EditorFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "strata-editor-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func uri(_ name: String) -> String { "file://\(url.path)/\(name)" }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    try Data(text.utf8).write(to: url.appending(path: name))
    return uri(name)
  }

  /// What a command prints on standard output.
  func strata(_ arguments: String...) throws -> Data { try strata(arguments) }

  func strata(_ arguments: [String]) throws -> Data {
    let process = Process()
    let output = Pipe()
    process.executableURL = EditorClient.executable
    process.arguments = arguments
    process.environment = EditorClient.environment
    process.currentDirectoryURL = url
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return data
  }

  func json(_ arguments: String...) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: try strata(arguments)) as? [String: Any])
  }
}

/// The specs that come with Strata.
enum EditorSpecs {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../specs")
    .standardizedFileURL

  /// In alphabetical order.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.sorted()
  }()

  static func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: name), encoding: .utf8)
  }

  /// Tells the server that a text is a spec whose first key is another one.
  static let modeline = "# $schema=strata.schema.json\n"
}
