internal import Artifacts
internal import Text

/// The number or word that ties an answer to its request.
package enum RequestID: Hashable, Sendable {
  case number(Int)
  case word(String)

  init?(_ json: JSON?) {
    switch json {
    case .integer(let number): self = .number(number)
    case .string(let word): self = .word(word)
    case .null, .bool, .number, .array, .object, nil: return nil
    }
  }

  var json: JSON {
    switch self {
    case .number(let number): .integer(number)
    case .word(let word): .string(word)
    }
  }
}

/// A message of JSON-RPC 2.0 as it arrives.
enum RPCMessage {
  case request(RequestID, method: String, params: JSON)
  case notification(method: String, params: JSON)
  /// The client's answer to a request of the server's.
  case response(RequestID, result: JSON)
  /// No message; the id of the request that it was meant to be, where it says one.
  case invalid(RequestID?, RPCFault)

  init(_ bytes: [UInt8]) {
    let json: JSON
    do {
      json = try JSONDocument.read(bytes)
    } catch {
      self = .invalid(nil, RPCFault(.parse, "no JSON: \(error.message), at byte \(error.offset)"))
      return
    }
    let id = RequestID(json["id"])
    guard case .object = json, json["jsonrpc"]?.string == "2.0" else {
      self = .invalid(id, RPCFault(.invalidRequest, "no message of JSON-RPC 2.0"))
      return
    }
    let params = json["params"] ?? .null
    switch (json["method"], id) {
    case (.string(let method), let id?): self = .request(id, method: method, params: params)
    case (.string(let method), nil):
      self =
        json["id"] == nil
        ? .notification(method: method, params: params)
        : .invalid(nil, RPCFault(.invalidRequest, "an id is a whole number or a string"))
    case (nil, let id?): self = .response(id, result: json["result"] ?? .null)
    case (nil, nil):
      // The client could not read a message of the server's: there is nobody to answer.
      self =
        json["error"] == nil
        ? .invalid(nil, RPCFault(.invalidRequest, "neither a method nor an id"))
        : .notification(method: "$/error", params: .null)
    case (.some, _): self = .invalid(id, RPCFault(.invalidRequest, "a method is a string"))
    }
  }
}

/// Why a request has no result.
struct RPCFault: Error {
  enum Code: Int {
    case parse = -32700
    case invalidRequest = -32600
    case methodNotFound = -32601
    case invalidParams = -32602
    case internalError = -32603
    case notInitialized = -32002
    case requestFailed = -32803
    case contentModified = -32801
    case cancelled = -32800
  }

  var code: Code
  var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  static let cancelled = RPCFault(.cancelled, "the request was cancelled")
  static let contentModified = RPCFault(.contentModified, "the text was changed")
}

/// Messages of JSON-RPC 2.0 as they leave.
enum RPCText {
  static func answer(_ id: RequestID, _ result: Result<JSON, RPCFault>) -> JSON {
    switch result {
    case .success(let value): ["jsonrpc": "2.0", "id": id.json, "result": value]
    case .failure(let fault): failure(id, fault)
    }
  }

  /// - Parameter id: nil where nobody knows which request is meant.
  static func failure(_ id: RequestID?, _ fault: RPCFault) -> JSON {
    [
      "jsonrpc": "2.0", "id": id?.json ?? .null,
      "error": ["code": .integer(fault.code.rawValue), "message": .string(fault.message)],
    ]
  }

  static func notification(_ method: String, _ params: JSON) -> JSON {
    ["jsonrpc": "2.0", "method": .string(method), "params": params]
  }

  static func request(_ id: RequestID, _ method: String, _ params: JSON) -> JSON {
    ["jsonrpc": "2.0", "id": id.json, "method": .string(method), "params": params]
  }
}
