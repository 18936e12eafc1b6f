internal import Artifacts
internal import Diagnostics
internal import Glibc
internal import Text

/// A language server for specs (LSP 3.17): messages in, messages out, texts and plans in between. It lives on one thread; plans are
/// made on another.
package final class LanguageServer {
  enum Background: Sendable {
    case plan(DocumentURI, generation: Int, Result<PlanSummary, SpecFailure>)
    case changes(DocumentURI, RequestID, [FittingChange])
    case page(RequestID, Result<String, SpecFailure>)
  }

  enum Phase: Hashable {
    case starting, serving, shutDown
  }

  let service: any SpecService
  let version: String
  var settings = ClientSettings()
  var phase = Phase.starting
  var documents: [DocumentURI: OpenDocument] = [:]
  /// Where text without a file is taken to lie.
  var rootPath: String?
  /// Requests for quick fixes or pages that another thread works on, with what is known so far.
  var pending: [RequestID: PendingRequest] = [:]
  /// Where what is known of codes lies, as URIs; nil for nowhere.
  var explanations: [String: String?] = [:]
  /// Of the documents that were closed, the latest.
  var closedGeneration = 0
  private var asked: [RequestID: ServerRequest] = [:]
  private var requestCount = 0

  let background: BackgroundWork<Background>
  /// Raised when the background thread is done with something.
  let finished: EventCounter

  private var framing = MessageFraming()
  private var inbox: [RPCMessage] = []
  private var isInputAtEnd = false
  /// Whole messages with their headers.
  private(set) var outbox: [UInt8] = []
  /// Set once the process is to end.
  package private(set) var exitCode: Int32?

  /// More documents are not looked at.
  static let mostDocuments = 1000

  enum ServerRequest {
    case configuration, other
  }

  /// - Returns: nil where the system gives no thread.
  package init?(service: any SpecService, version: String) {
    guard let finished = EventCounter(), let background = BackgroundWork<Background>(finished: finished)
    else {
      return nil
    }
    self.service = service
    self.version = version
    self.finished = finished
    self.background = background
  }

  deinit { background.end() }

  // MARK: - In

  /// Takes in bytes from the client.
  package func receive(_ bytes: some Collection<UInt8>) {
    framing.append(bytes)
    while let piece = framing.next() {
      switch piece {
      case .message(let body): inbox.append(RPCMessage(body))
      case .tooLarge(let byteCount):
        // It may have been an edit of any document.
        for uri in documents.keys { lose(uri) }
        show(
          "a message of \(byteCount) bytes was passed over: the largest that is read has "
            + "\(MessageFraming.largestByteCount)")
      case .broken(let reason):
        log("the client's messages can't be told apart: \(reason)")
        end(1)
      }
    }
  }

  /// The client says no more: without `exit`, it is gone.
  package func receiveEnd() { isInputAtEnd = true }

  func end(_ code: Int32) {
    if exitCode == nil { exitCode = code }
  }

  /// Does all that has come in, then looks at the texts that have changed: of several changes in a row only the last text counts.
  package func work() {
    collect()
    let messages = inbox
    inbox = []
    let cancelled = cancelledRequests(messages)
    for message in messages where exitCode == nil { handle(message, cancelled: cancelled) }
    if isInputAtEnd { end(1) }
    guard exitCode == nil, phase == .serving else { return }
    for uri in dirtyDocuments { publish(uri) }
  }

  /// In a fixed order.
  private var dirtyDocuments: [DocumentURI] {
    documents.filter(\.value.isDirty).keys.sorted { $0.text < $1.text }
  }

  private func cancelledRequests(_ messages: [RPCMessage]) -> Set<RequestID> {
    var cancelled: Set<RequestID> = []
    for message in messages {
      if case .notification("$/cancelRequest", let params) = message, let id = RequestID(params["id"]) {
        cancelled.insert(id)
      }
    }
    return cancelled
  }

  private func handle(_ message: RPCMessage, cancelled: Set<RequestID>) {
    switch message {
    case .invalid(let id, let fault): send(RPCText.failure(id, fault))
    case .response(let id, let result):
      if case .configuration? = asked.removeValue(forKey: id), case .object? = result.elements.first {
        apply(settings: result.elements[0])
      }
    case .notification(let method, let params): notify(method, params)
    case .request(let id, let method, let params):
      if cancelled.contains(id) { return answer(id, .failure(.cancelled)) }
      do throws(RPCFault) {
        if let result = try request(id, method, params) { answer(id, .success(result)) }
      } catch {
        answer(id, .failure(error))
      }
    }
  }

  // MARK: - Out

  /// Takes what is to be written.
  package func takeOutbox() -> [UInt8] {
    defer { outbox = [] }
    return outbox
  }

  func send(_ message: JSON) { outbox += Array(MessageFraming.framed(JSONWriter.line(message)).utf8) }

  func answer(_ id: RequestID, _ result: Result<JSON, RPCFault>) { send(RPCText.answer(id, result)) }

  func notifyClient(_ method: String, _ params: JSON) { send(RPCText.notification(method, params)) }

  func ask(_ method: String, _ params: JSON, _ kind: ServerRequest = .other) {
    requestCount += 1
    let id = RequestID.word("strata-\(requestCount)")
    // A client that never answers must not fill the memory.
    if asked.count > 1000 { asked = [:] }
    asked[id] = kind
    send(RPCText.request(id, method, params))
  }

  /// To the client's log.
  func log(_ text: String) {
    notifyClient("window/logMessage", ["type": 3, "message": .string("strata: \(text)")])
  }

  /// In front of the person.
  func show(_ text: String) {
    notifyClient("window/showMessage", ["type": 2, "message": .string("strata: \(text)")])
  }
}
