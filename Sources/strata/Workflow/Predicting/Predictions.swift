internal import Artifacts
internal import Execution
internal import Glibc
internal import Text

/// What a network answers of some images, and how right it is where their classes are known.
struct Predictions {
  struct Answer {
    /// The file, and of an array the image in it, from 0.
    var file: String
    var image: Int?
    /// Nil where nobody knows it.
    var label: Int?
    /// The likeliest classes, the likeliest first.
    var top: [(index: Int, probability: Double)]
  }

  /// As the network's file names them; of others their numbers.
  let classNames: [String]
  /// How many classes are told of each image.
  let topCount: Int
  private(set) var answers: [Answer] = []
  /// Where labels are known.
  private(set) var counts: AnswerCounts

  /// Of an answer with its classes, as it lies in memory.
  static func byteCount(of count: Int, topCount: Int) -> Int { count * (96 + 32 + 24 * topCount + 16) }

  init(classNames: [String], topCount: Int) {
    self.classNames = classNames
    self.topCount = min(topCount, classNames.count)
    counts = AnswerCounts(classCount: classNames.count)
  }

  /// - Parameter label: nil where nobody knows it.
  mutating func add(file: String, image: Int?, label: Int?, logits: [Float]) {
    let probabilities = Self.softmax(logits)
    // Of equal ones the first, as accuracies count them.
    let order = logits.indices.sorted { logits[$0] == logits[$1] ? $0 < $1 : logits[$0] > logits[$1] }
    answers.append(
      Answer(
        file: file, image: image, label: label, top: order.prefix(topCount).map { ($0, probabilities[$0]) }))
    if let label { counts.add(label: label, answer: order[0]) }
  }

  static func softmax(_ logits: [Float]) -> [Double] {
    let largest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}

extension Predictions {
  /// - Parameter memory: the process's largest resident set, as it was planned and as it came to be.
  func json(
    _ answerer: (key: String, value: JSON), memory: (planned: Int, measured: Int?)
  ) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("schema", "strata.prediction/1"), answerer, ("classes", .array(classNames.map(JSON.string))),
      ("predictions", .array(answers.map(json))),
    ]
    if let accuracy = counts.accuracy {
      members.append(("accuracy", .number(accuracy)))
      members += AnswerTexts(counts, classNames: classNames).members
    }
    members.append(
      (
        "memory",
        .object([
          ("plannedPeakBytes", .integer(memory.planned)),
          ("measuredPeakBytes", .optional(memory.measured, JSON.integer)),
        ])
      ))
    return .object(members)
  }

  private func json(_ answer: Answer) -> JSON {
    var members: [(key: String, value: JSON)] = [("file", .string(answer.file))]
    if let image = answer.image { members.append(("image", .integer(image))) }
    if let label = answer.label { members.append(("label", .string(classNames[label]))) }
    members += [
      ("class", .string(classNames[answer.top[0].index])), ("index", .integer(answer.top[0].index)),
      ("probability", .number(answer.top[0].probability)),
      (
        "top",
        .array(
          answer.top.map {
            .object([("class", .string(classNames[$0.index])), ("probability", .number($0.probability))])
          })
      ),
    ]
    return .object(members)
  }

  /// A line an image, with a heading: file, image, label where known, then class and probability, the likeliest first.
  var csv: String {
    let hasImages = answers.contains { $0.image != nil }
    let hasLabels = answers.contains { $0.label != nil }
    var heading = ["file"] + (hasImages ? ["image"] : []) + (hasLabels ? ["label"] : [])
    for place in 1...topCount {
      heading += place == 1 ? ["class", "probability"] : ["class\(place)", "probability\(place)"]
    }
    var lines = [heading.joined(separator: ",")]
    for answer in answers {
      var cells = [Self.csvCell(answer.file)]
      if hasImages { cells.append(answer.image.map { "\($0)" } ?? "") }
      if hasLabels { cells.append(answer.label.map { Self.csvCell(classNames[$0]) } ?? "") }
      for (index, probability) in answer.top {
        cells += [Self.csvCell(classNames[index]), fixed(probability, decimals: 6)]
      }
      lines.append(cells.joined(separator: ","))
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// RFC 4180: quotes around what has a comma, a quote or a line's end in it.
  private static func csvCell(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  func text(_ style: TextStyle) -> String {
    var text = answersTable.text(style)
    guard let accuracy = counts.accuracy else { return text }
    text +=
      "\n\(percentage(accuracy)) right: \(grouped(counts.rightCount)) of \(grouped(counts.imageCount))\n\n"
    text += AnswerTexts(counts, classNames: classNames).text(style)
    return text
  }

  /// People look at some; `--csv` and `--json` have all of them.
  private static let shownCount = 50

  private var answersTable: Table {
    let hasLabels = answers.contains { $0.label != nil }
    var table = Table(
      [.left("file"), .left("class"), .right("probability")] + (hasLabels ? [.left("is")] : [])
        + (topCount > 1 ? [.left("then")] : []))
    for answer in answers.prefix(Self.shownCount) {
      let then = answer.top.dropFirst().map { "\(classNames[$0.index]) \(percentage($0.probability))" }
      table.add(
        [
          answer.file + (answer.image.map { "[\($0)]" } ?? ""), classNames[answer.top[0].index],
          percentage(answer.top[0].probability),
        ] + (hasLabels ? [answer.label.map { classNames[$0] } ?? ""] : [])
          + (topCount > 1 ? [then.joined(separator: ", ")] : []))
    }
    let rest = answers.count - Self.shownCount
    if rest > 0 {
      table.add(
        ["and \(grouped(rest)) more: --csv or --json", "", ""] + (hasLabels ? [""] : [])
          + (topCount > 1 ? [""] : []))
    }
    return table
  }
}
