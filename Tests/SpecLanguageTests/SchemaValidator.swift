import Foundation

/// Enough of JSON Schema draft 7 for the language's own schema; traps on a keyword that it does not know.
struct SchemaValidator {
  private let root: [String: Any]

  init(_ text: String) throws {
    root = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
  }

  func accepts(_ json: String) throws -> Bool {
    accepts(try JSONSerialization.jsonObject(with: Data(json.utf8)), root)
  }

  private func accepts(_ value: Any, _ schema: Any) -> Bool {
    if let verdict = schema as? Bool { return verdict }
    guard let schema = schema as? [String: Any] else { return false }
    return schema.allSatisfy { keyword, argument in
      holds(keyword, argument, value, schema)
    }
  }

  private func holds(_ keyword: String, _ argument: Any, _ value: Any, _ schema: [String: Any]) -> Bool {
    let object = value as? [String: Any]
    let number = isBoolean(value) ? nil : value as? NSNumber
    let list = value as? [Any]
    let schemas = argument as? [Any] ?? []
    switch keyword {
    case "$schema", "title", "description", "default", "then": return true
    case "type": return isOfType(value, argument as? String ?? "")
    case "enum": return schemas.contains { equal($0, value) }
    case "const": return equal(argument, value)
    case "anyOf": return schemas.contains { accepts(value, $0) }
    case "allOf": return schemas.allSatisfy { accepts(value, $0) }
    case "not": return !accepts(value, argument)
    case "if": return !accepts(value, argument) || accepts(value, schema["then"] ?? true)
    case "required":
      return object.map { object in schemas.allSatisfy { object[$0 as? String ?? ""] != nil } } ?? true
    case "properties":
      guard let object, let properties = argument as? [String: Any] else { return true }
      return properties.allSatisfy { name, inner in object[name].map { accepts($0, inner) } ?? true }
    case "additionalProperties":
      guard let object, let properties = schema["properties"] as? [String: Any] else { return true }
      return object.keys.allSatisfy { properties[$0] != nil }
    case "items": return list.map { $0.allSatisfy { accepts($0, argument) } } ?? true
    case "minItems": return list.map { $0.count >= (argument as? Int ?? 0) } ?? true
    case "maxItems": return list.map { $0.count <= (argument as? Int ?? 0) } ?? true
    case "minimum": return compare(number, argument) { $0 >= $1 }
    case "maximum": return compare(number, argument) { $0 <= $1 }
    case "exclusiveMinimum": return compare(number, argument) { $0 > $1 }
    case "exclusiveMaximum": return compare(number, argument) { $0 < $1 }
    case "multipleOf":
      return number.map { $0.intValue.isMultiple(of: (argument as? NSNumber)?.intValue ?? 1) } ?? true
    case "pattern":
      guard let text = value as? String, let pattern = argument as? String else { return true }
      return text.range(of: pattern, options: .regularExpression) != nil
    default: preconditionFailure("no such keyword: \(keyword)")
    }
  }

  private func compare(_ number: NSNumber?, _ end: Any, _ relation: (Double, Double) -> Bool) -> Bool {
    guard let number, let end = end as? NSNumber else { return true }
    return relation(number.doubleValue, end.doubleValue)
  }

  private func isOfType(_ value: Any, _ type: String) -> Bool {
    switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "boolean": isBoolean(value)
    case "number": !isBoolean(value) && value is NSNumber
    case "integer":
      !isBoolean(value) && (value as? NSNumber).map { $0.doubleValue.rounded() == $0.doubleValue } ?? false
    default: false
    }
  }

  private func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? false
  }

  private func equal(_ a: Any, _ b: Any) -> Bool {
    if let a = a as? String, let b = b as? String { return a == b }
    if let a = a as? NSNumber, let b = b as? NSNumber { return isBoolean(a) == isBoolean(b) && a == b }
    return false
  }
}
