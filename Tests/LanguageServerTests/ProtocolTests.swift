import Foundation
import LanguageServer
import Testing

@Suite("The language server's protocol")
struct ProtocolTests {
  @Test("messages come in whatever portions", arguments: [1, 2, 3, 7, 64, 4096])
  func portions(size: Int) {
    let bodies = ["{}", "é😀", String(repeating: "x", count: 500), ""]
    let stream = Array(bodies.map(MessageFraming.framed).joined().utf8)
    var framing = MessageFraming()
    var found: [String] = []
    for start in stride(from: 0, to: stream.count, by: size) {
      framing.append(stream[start..<min(stream.count, start + size)])
      while case .message(let body)? = framing.next() { found.append(String(decoding: body, as: UTF8.self)) }
    }
    #expect(found == bodies)
  }

  @Test("headers in other words, and bodies that are too large")
  func headers() {
    var framing = MessageFraming()
    framing.append(
      Array("content-length:2\nContent-Type: application/vscode-jsonrpc; charset=utf-8\n\n{}".utf8))
    #expect(framing.next() == .message(Array("{}".utf8)))
    let large = MessageFraming.largestByteCount + 1
    framing.append(Array("Content-Length: \(large)\r\n\r\n".utf8))
    #expect(framing.next() == .tooLarge(large))
    framing.append([UInt8](repeating: 0x20, count: large))
    framing.append(Array("Content-Length: 1\r\n\r\n1".utf8))
    #expect(framing.next() == .message([0x31]))
    #expect(framing.next() == nil)
  }

  @Test(
    "what is no header ends the stream",
    arguments: [
      "{\"jsonrpc\": \"2.0\"}\r\n\r\n", "Content-Length: -1\r\n\r\n", "Content-Length: 12a\r\n\r\n", "\r\n",
      "Content-Length: 99999999999999999999\r\n\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
      String(repeating: "x", count: 5000),
    ])
  func broken(text: String) {
    var framing = MessageFraming()
    framing.append(Array(text.utf8))
    guard case .broken? = framing.next() else {
      Issue.record("taken for a header")
      return
    }
    framing.append(Array("Content-Length: 1\r\n\r\n1".utf8))
    #expect(framing.next() == nil)
  }

  @Test("names of documents")
  func uris() {
    #expect(DocumentURI("file:///a/b%20c/%C3%A9.yaml").path == "/a/b c/é.yaml")
    #expect(DocumentURI("file://localhost/a.yaml").path == "/a.yaml")
    for text in [
      "untitled:1", "file:///a%", "file:///a%0", "file:///a%zz", "file:///%00", "file:///%FF", "file://",
    ] {
      #expect(DocumentURI(text).path == nil, "\(text)")
    }
    #expect(DocumentURI(DocumentURI(path: "/a b/é#?.yaml").text).path == "/a b/é#?.yaml")
  }

  // MARK: - The process

  @Test("exit codes")
  func exitCodes() throws {
    #expect(try EditorClient(capabilities: [:]).end() == 0)
    let hasty = try EditorClient(capabilities: [:])
    hasty.notify("exit", [:])
    #expect(hasty.waitForExit() == 1)
    let gone = try EditorClient(capabilities: [:])
    gone.closeInput()
    #expect(gone.waitForExit() == 1)
    let garbled = try EditorClient()
    garbled.send(Data("nonsense\r\n\r\n".utf8))
    #expect(garbled.waitForExit() == 1)
    // What was said before the end counts.
    let quick = try EditorClient(capabilities: [:])
    _ = quick.ask("shutdown", [:])
    quick.notify("exit", [:])
    quick.closeInput()
    #expect(quick.waitForExit() == 0)
  }

  @Test("requests out of order, unknown ones and messages that are none")
  func refusals() throws {
    let client = try EditorClient()
    func code(_ answer: [String: Any]) -> Int? { (answer["error"] as? [String: Any])?["code"] as? Int }
    #expect(code(try client.request("textDocument/hover", [:])) == -32002)
    _ = try client.request("initialize", ["capabilities": [:] as [String: Any]])
    #expect(code(try client.request("initialize", ["capabilities": [:] as [String: Any]])) == -32600)
    #expect(code(try client.request("textDocument/rename", [:])) == -32601)
    #expect(code(try client.request("textDocument/hover", [:])) == -32602)
    #expect(
      code(try client.request("textDocument/hover", ["textDocument": ["uri": "file:///none.yaml"]])) == -32602
    )
    let bodies = [
      "", "{", "[]", "1", "{\"jsonrpc\":\"2.0\",\"id\":{}}", "{\"jsonrpc\":\"2.0\"}",
      "{\"id\":1,\"method\":\"x\"}",
      "{\"jsonrpc\":\"2.0\",\"method\":7,\"id\":1}", String(repeating: "[", count: 100_000),
      String(repeating: "{\"a\":", count: 100_000), "{\"a\":1,\"a\":2}",
      "{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"x\"}",
    ]
    for body in bodies {
      client.send(Data(MessageFraming.framed(body).utf8))
      let answer = try client.next()
      #expect([-32700, -32600].contains(code(answer)), "\(body.prefix(40)): \(answer)")
    }
    client.send(Data(MessageFraming.framed("\u{1}").utf8))
    #expect(code(try client.next()) == -32700)
    // Notifications that nobody knows, or that say nothing, have no answer.
    for method in [
      "$/setTrace", "textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "x",
    ] {
      client.notify(method, [:])
      client.notify(method, ["textDocument": 7, "contentChanges": "x"])
    }
    #expect(code(try client.request("textDocument/codeLens", [:])) == -32602)
    #expect(try client.end() == 0)
  }

  @Test("a request that was cancelled is answered so")
  func cancellation() throws {
    let client = try EditorClient(capabilities: EditorClient.capabilities)
    let folder = try EditorFolder()
    let uri = folder.uri("net.yaml")
    // Its plan takes a while.
    client.open(uri, try EditorSpecs.text("resnet152.yaml"))
    _ = try client.diagnostics(uri, version: 1)
    let first = client.ask("textDocument/codeLens", ["textDocument": ["uri": uri]])
    client.notify("$/cancelRequest", ["id": first])
    let second = client.ask("textDocument/codeLens", ["textDocument": ["uri": uri]])
    client.change(uri, version: 2, [["text": "a: 1\n"]])
    func code(_ id: Int) throws -> Int? {
      (try client.answer(id)["error"] as? [String: Any])?["code"] as? Int
    }
    // Either it was quick, or it is cancelled; the newer text is no spec, so that the other has nothing to say.
    let codes = [try code(first), try code(second)]
    #expect(codes[0] == nil || codes[0] == -32800)
    #expect(codes[1] == nil || codes[1] == -32801)
    #expect(try client.lenses(uri).isEmpty)
    #expect(try client.end() == 0)
  }

  @Test("other documents are left alone")
  func otherDocuments() throws {
    let client = try EditorClient(capabilities: EditorClient.capabilities)
    let others = ["name: x\nstrata: 1\n", "strata\n", "stratas: 1\n", "- strata: 1\n", "# strata: 1\na: {\n"]
    for (index, text) in others.enumerated() {
      client.open("file:///tmp/\(index).yaml", text)
      #expect(try client.hints("file:///tmp/\(index).yaml").isEmpty)
    }
    client.notify(
      "textDocument/didOpen",
      [
        "textDocument": [
          "uri": "file:///tmp/x.txt", "languageId": "text", "version": 1, "text": "strata: 1\n",
        ]
      ])
    #expect(try client.lenses("file:///tmp/x.txt").isEmpty)
    #expect(
      !client.notices.contains { ($0["params"] as? [String: Any])?["uri"] as? String == "file:///tmp/x.txt" })
    // It becomes a spec, and is none any more.
    let uri = "file:///tmp/0.yaml"
    client.change(uri, version: 2, [["text": "strata: 1\n"]])
    #expect(try !client.diagnostics(uri, version: 2).isEmpty)
    client.change(uri, version: 3, [["text": "x: 1\n"]])
    #expect(try client.diagnostics(uri, version: 3).isEmpty)
    #expect(try client.end() == 0)
  }
}
