internal import Text

/// What the shell may offer in a value's place.
package enum Completion: Hashable, Sendable {
  case nothing
  /// Files that end in one of `extensions` (none: all of them), and folders on the way to them.
  case files(extensions: [String])
  case folders
  /// One of these and nothing else.
  case words([String])
  /// One of these, among others.
  case suggestions([String])
  /// `KEY=VALUE`: these keys, each with words that its value may be.
  case assignments([AssignmentCompletion])
}

/// A key of `--set`, and words that its value may be.
package struct AssignmentCompletion: Hashable, Sendable {
  package var key: String
  package var values: [String]

  package init(key: String, values: [String]) {
    self.key = key
    self.values = values
  }
}

/// Why a text is no value: what is expected in its place, worded to follow "takes".
package struct ValueFault: Error {
  package var expected: String
  package var help: String?

  package init(expected: String, help: String? = nil) {
    self.expected = expected
    self.help = help
  }
}

/// How the text of an option's value is read: the one place where its form is checked.
package struct ValueForm<Value: Sendable>: Sendable {
  /// Stands for the value in synopses, in capitals.
  package var placeholder: String
  package var completion: Completion
  package var parse: @Sendable (String) -> Result<Value, ValueFault>

  package init(
    _ placeholder: String, completion: Completion = .nothing,
    parse: @escaping @Sendable (String) -> Result<Value, ValueFault>
  ) {
    self.placeholder = placeholder
    self.completion = completion
    self.parse = parse
  }
}

extension ValueForm where Value == String {
  /// Any text but the empty one.
  package static func text(_ placeholder: String, completion: Completion = .nothing) -> Self {
    ValueForm(placeholder, completion: completion) { text in
      text.isEmpty ? .failure(ValueFault(expected: "a \(placeholder)")) : .success(text)
    }
  }

  /// A file's or folder's path; whether it is there is found out when it is opened.
  package static func path(_ placeholder: String, completion: Completion = .files(extensions: [])) -> Self {
    text(placeholder, completion: completion)
  }
}

extension ValueForm where Value == Int {
  /// A decimal integer of `range`.
  package static func integer(_ placeholder: String = "N", in range: ClosedRange<Int>) -> Self {
    ValueForm(placeholder) { text in
      guard let value = Int(text), range.contains(value), text.first != "+" else {
        return .failure(
          ValueFault(expected: "an integer from \(grouped(range.lowerBound)) to \(grouped(range.upperBound))")
        )
      }
      return .success(value)
    }
  }
}

/// A `KEY=VALUE` of `--set`: a dotted path into the spec, and the YAML text to put there.
package struct Assignment: Hashable, Sendable {
  package var key: String
  package var value: String

  package init(key: String, value: String) {
    self.key = key
    self.value = value
  }
}

extension ValueForm where Value == Assignment {
  /// `KEY=VALUE`, cut at the first `=`; the key is not empty, the value may be.
  package static var assignment: Self { assignment(keys: []) }

  /// - Parameter keys: that a shell offers.
  package static func assignment(keys: [AssignmentCompletion]) -> Self {
    ValueForm("KEY=VALUE", completion: keys.isEmpty ? .nothing : .assignments(keys)) { text in
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        return .failure(ValueFault(expected: "KEY=VALUE", help: "for example '--set training.epochs=1'"))
      }
      return .success(
        Assignment(key: String(text[..<equals]), value: String(text[text.index(after: equals)...])))
    }
  }
}

extension ValueForm where Value == MemorySize {
  /// A number of bytes, or a share of the machine's memory.
  package static var size: Self {
    ValueForm("SIZE") { text in MemorySize.parse(text) }
  }
}
