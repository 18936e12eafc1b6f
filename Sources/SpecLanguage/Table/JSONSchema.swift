internal import Diagnostics

/// The language as a JSON Schema (draft 7, which editors' YAML servers read), made from the table of keys. It accepts
/// every good spec; what needs several keys at once (rising lists, facts of the data) only decoding finds.
package func jsonSchema() -> String {
  var schema = SchemaObject()
  schema["$schema"] = JSONText.string("http://json-schema.org/draft-07/schema#")
  schema["title"] = JSONText.string("Strata spec, version \(SpecTable.version)")
  schema.merge(JSONSchemaWriter.section(SpecTable.root))
  return schema.text(indent: "") + "\n"
}

/// An object whose keys stay in the order they were set.
private struct SchemaObject {
  private var fields: [(key: String, value: Value)] = []

  indirect enum Value {
    case raw(String)
    case object(SchemaObject)
    case array([SchemaObject])
  }

  /// A field given as JSON text.
  subscript(key: String) -> String? {
    get { nil }
    set { if let newValue { fields.append((key, .raw(newValue))) } }
  }

  mutating func set(_ key: String, _ object: SchemaObject) { fields.append((key, .object(object))) }

  mutating func set(_ key: String, _ objects: [SchemaObject]) { fields.append((key, .array(objects))) }

  mutating func merge(_ other: SchemaObject) { fields += other.fields }

  func text(indent: String) -> String {
    if fields.isEmpty { return "{}" }
    let inner = indent + "  "
    let lines = fields.map { field in
      let value =
        switch field.value {
        case .raw(let text): text
        case .object(let object): object.text(indent: inner)
        case .array(let objects):
          "[\n" + objects.map { inner + "  " + $0.text(indent: inner + "  ") }.joined(separator: ",\n")
            + "\n\(inner)]"
        }
      return "\(inner)\(JSONText.string(field.key)): \(value)"
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
  }
}

private enum JSONSchemaWriter {
  static func section(_ section: SectionShape) -> SchemaObject {
    var schema = SchemaObject()
    schema["type"] = "\"object\""
    schema["additionalProperties"] = "false"
    let required = section.keys.filter { $0.isRequired && $0.kinds.isEmpty }.map(\.name)
    if !required.isEmpty { schema["required"] = strings(required) }
    var properties = SchemaObject()
    for key in section.keys { properties.set(key.name, property(key)) }
    schema.set("properties", properties)
    let rules = conditions(section)
    if !rules.isEmpty { schema.set("allOf", rules) }
    return schema
  }

  private static func property(_ key: SpecKey) -> SchemaObject {
    var schema = SchemaObject()
    let unit = key.unit.map { " (\($0))" } ?? ""
    let otherwise: String
    switch key.fallback {
    case .required: otherwise = ""
    case .value: otherwise = ""
    case .derived(let words), .absent(let words): otherwise = "; default: \(words)"
    }
    schema["description"] = JSONText.string(key.documentation + unit + otherwise)
    if case .value(let value) = key.fallback { schema["default"] = json(value) }
    schema.merge(shape(key.shape))
    return schema
  }

  // MARK: - What depends on other keys

  private static func conditions(_ section: SectionShape) -> [SchemaObject] {
    var rules: [SchemaObject] = []
    if let discriminator = section.discriminator, let key = section[discriminator] {
      for other in section.keys where !other.kinds.isEmpty {
        rules.append(
          rule(
            ifWritten: other, of: discriminator, default: key.defaultWord,
            // Without a kind of its own it has that of the section, where the schema does not look.
            mayBeInherited: section.inheritsEnclosing))
      }
      for kind in section.kinds {
        let needed = section.keys.filter { $0.isRequired && $0.kinds.contains(kind) }.map(\.name)
        if !needed.isEmpty { rules.append(rule(ifKind: kind, of: discriminator, thenRequired: needed)) }
      }
    }
    if let alternatives = section.alternatives {
      let keys = [alternatives.first, alternatives.second]
      rules.append(rule(notBoth: keys))
      if alternatives.isOneRequired { rules.append(rule(oneOf: keys)) }
    }
    return rules
  }

  /// A key of some kinds is written: the kind is one of those.
  private static func rule(
    ifWritten key: SpecKey, of discriminator: String, default word: String?, mayBeInherited: Bool
  ) -> SchemaObject {
    var condition = SchemaObject()
    condition["required"] = strings([key.name])
    var kinds = SchemaObject()
    kinds["enum"] = strings(key.kinds)
    var properties = SchemaObject()
    properties.set(discriminator, kinds)
    var consequence = SchemaObject()
    consequence.set("properties", properties)
    // Without the discriminator its default holds.
    if !mayBeInherited, word.map({ !key.kinds.contains($0) }) ?? true {
      consequence["required"] = strings([discriminator])
    }
    var rule = SchemaObject()
    rule.set("if", condition)
    rule.set("then", consequence)
    return rule
  }

  private static func rule(ifKind kind: String, of discriminator: String, thenRequired keys: [String])
    -> SchemaObject
  {
    var constant = SchemaObject()
    constant["const"] = JSONText.string(kind)
    var properties = SchemaObject()
    properties.set(discriminator, constant)
    var condition = SchemaObject()
    condition.set("properties", properties)
    condition["required"] = strings([discriminator])
    var consequence = SchemaObject()
    consequence["required"] = strings(keys)
    var rule = SchemaObject()
    rule.set("if", condition)
    rule.set("then", consequence)
    return rule
  }

  private static func rule(notBoth keys: [String]) -> SchemaObject {
    var both = SchemaObject()
    both["required"] = strings(keys)
    var rule = SchemaObject()
    rule.set("not", both)
    return rule
  }

  private static func rule(oneOf keys: [String]) -> SchemaObject {
    var rule = SchemaObject()
    rule.set(
      "anyOf",
      keys.map { key in
        var schema = SchemaObject()
        schema["required"] = strings([key])
        return schema
      })
    return rule
  }

  // MARK: - Shapes

  private static func shape(_ shape: ValueShape) -> SchemaObject {
    var schema = SchemaObject()
    switch shape {
    case .version: schema["const"] = String(SpecTable.version)
    case .flag: schema["type"] = "\"boolean\""
    case .integer(let range, let odd):
      schema["type"] = "\"integer\""
      schema["minimum"] = String(range.lowerBound)
      schema["maximum"] = String(range.upperBound)
      if odd {
        var even = SchemaObject()
        even["multipleOf"] = "2"
        schema.set("not", even)
      }
    case .seed:
      schema["type"] = "\"integer\""
      schema["minimum"] = "0"
      schema["maximum"] = String(UInt64.max)
    case .number(let range):
      schema["type"] = "\"number\""
      switch range.lower {
      case .included(let end): schema["minimum"] = NumberRange.plain(end)
      case .excluded(let end): schema["exclusiveMinimum"] = NumberRange.plain(end)
      }
      switch range.upper {
      case .included(let end): schema["maximum"] = NumberRange.plain(end)
      case .excluded(let end): schema["exclusiveMaximum"] = NumberRange.plain(end)
      }
    case .word(let words): schema["enum"] = strings(words)
    case .name: schema = text(pattern: "^[a-z0-9-]{1,\(SpecValueReader.longestName)}$")
    case .path: schema = text(pattern: ".")
    case .image: schema = text(pattern: "^[0-9]+x[0-9]+x[0-9]+$")
    case .size:
      schema.set(
        "anyOf",
        [
          text(pattern: #"^([0-9]+\.?[0-9]*|\.[0-9]+)(B|KiB|MiB|GiB|TiB|%)?$"#),
          self.shape(.integer(1...1_000_000_000_000_000)),
        ])
    case .list(let element, let count):
      schema["type"] = "\"array\""
      if count.lowerBound > 0 { schema["minItems"] = String(count.lowerBound) }
      schema["maxItems"] = String(count.upperBound)
      schema.set("items", self.shape(element))
    case .section(let section):
      guard section.allowsBareWord else { return self.section(section) }
      // A kind with required keys cannot stand alone.
      let bare = section.kinds.filter { kind in
        !section.keys.contains { $0.isRequired && $0.kinds.contains(kind) }
      }
      schema.set("anyOf", [self.shape(.word(bare)), self.section(section)])
    case .either(let shapes): schema.set("anyOf", shapes.map(self.shape))
    }
    return schema
  }

  private static func text(pattern: String) -> SchemaObject {
    var schema = SchemaObject()
    schema["type"] = "\"string\""
    schema["pattern"] = JSONText.string(pattern)
    return schema
  }

  private static func strings(_ words: [String]) -> String {
    "[" + words.map(JSONText.string).joined(separator: ", ") + "]"
  }

  private static func json(_ value: SpecValue) -> String {
    switch value {
    case .flag(let flag): String(flag)
    case .integer(let integer): String(integer)
    case .seed(let seed): String(seed)
    case .number(let number): String(number)
    case .word(let text), .text(let text): JSONText.string(text)
    case .image(let image): JSONText.string(image.text)
    case .size(let size): JSONText.string(SpecText.size(size))
    case .list(let values): "[" + values.map(json).joined(separator: ", ") + "]"
    }
  }
}

extension SpecKey {
  fileprivate var isRequired: Bool { if case .required = fallback { true } else { false } }

  fileprivate var defaultWord: String? {
    if case .value(.word(let word)) = fallback { word } else { nil }
  }
}
