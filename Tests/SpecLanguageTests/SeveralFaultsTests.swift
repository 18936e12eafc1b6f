import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

/// All faults of a file at once, in order, and nothing that only follows from them.
@Suite struct SeveralFaultsTests {
  struct Case: CustomTestStringConvertible {
    var codes: [String]
    var text: String
    var testDescription: String { codes.joined(separator: " ") }
  }

  @Test(arguments: [
    Case(
      codes: ["E036", "E021", "E030", "E034"],
      text: "name: ⟦A B⟧\n⟦nmerics⟧: fast\nnetwork: {family: vgg, widths: ⟦8⟧}\ntraining: {epochs: ⟦0⟧}\n"),
    // A missing key is not missed where a misspelt one stands.
    Case(codes: ["E021", "E021"], text: "network: {⟦famly⟧: vgg, ⟦widhts⟧: [8]}\n"),
    // With the family unknown nobody says which keys it has.
    Case(codes: ["E035"], text: "network: {family: ⟦vvg⟧, widths: [8], stem: {width: 8}}\n"),
    // A kind that does not exist has no keys that could be misplaced.
    Case(codes: ["E035", "E034"], text: "auxiliary: {kind: ⟦mpl⟧, k: 3, hidden: ⟦99⟧}\n"),
    // A broken list is not compared with another.
    Case(codes: ["E032", "E040"], text: "network: {family: vgg, widths: [8, ⟦1.5⟧], kernel: [3, ⟦4⟧, 5]}\n"),
    // A broken source contradicts nothing, an unknown one has no facts.
    Case(
      codes: ["E035", "E034"],
      text:
        "data: {source: ⟦cifar⟧, limit: {train: 99999}}\nnetwork: {family: vgg, widths: [8], input: ⟦1x0x1⟧}\n"
    ),
    Case(
      codes: ["E004", "E004"], text: "training:\n⟦\t⟧epochs: 1\n⟦\t⟧batch: 2\n"),
    Case(
      codes: ["E007", "E008", "E020"],
      text: "data: ⟦&⟧a {source: ⟦!⟧x digits}\nmemory: {⟪features⟫: auto, ⟦features⟧: cache}\n"),
    Case(
      codes: ["E022", "E024", "E023"],
      text: "⟦family⟧: vgg\n⟦network⟧:\ntraining:\n  ⟦schedule⟧: {kind: step, every: 2}\n"),
    Case(
      codes: ["E041", "E049", "E043", "E048"],
      text: """
        downsampling: {before: [⟪3⟫, ⟦2⟧]}
        auxiliary: {overrides: [{module: ⟪1⟫}, {module: ⟦1⟧}]}
        training: {partition: ⟦per-block⟧, optimizer: {momentum: ⟪0⟫, nesterov: ⟦true⟧}}

        """),
    Case(codes: ["E021", "E021"], text: "training: {partition: {⟦module⟧: 2}, ⟦epoch⟧: 1}\n"),
    // Nothing of a folder tells the images' size.
    Case(
      codes: ["E150"], text: "data: {source: image-folder, path: x}\n⟦network⟧: {family: vgg, widths: [8]}\n"),
    Case(
      codes: ["E151", "E151"],
      text: """
        data: {source: image-folder, image: {resize: ⟦20⟧, crop: ⟦24⟧}}
        network: {family: vgg, widths: [8], input: ⟪3x28x28⟫, classes: 2}

        """),
    // What stands in the wrong place is not missed in the right one.
    Case(codes: ["E022"], text: "⟦widths⟧: [8]\nnetwork: {family: vgg}\n"),
    Case(codes: ["E022"], text: "network: {family: vgg}\ntraining: {⟦widths⟧: [8]}\n"),
  ])
  func allAtOnceInOrder(several: Case) {
    let marked = MarkedSpec(completed(several.text))
    let decoded = Decoded(marked.text)
    #expect(decoded.codes == several.codes, "\(decoded.rendered)")
    let spans = decoded.result.diagnostics.map(\.primary.utf8)
    #expect(spans == marked.primaries, "\(decoded.rendered)")
  }

  @Test func howLongAListIsShowsInSpiteOfABadEntry() {
    let decoded = Decoded(completed("network: {family: vgg, widths: [8, 8], kernel: [3, 4, 5]}\n"))
    #expect(decoded.codes == ["E042", "E040"], "\(decoded.rendered)")
  }

  @Test func severalMissingKeysOfOneSection() {
    let decoded = Decoded(completed("data: {source: idx}\nnetwork: {family: vgg, widths: [8]}\n"))
    #expect(decoded.codes == ["E150"])
    let message = decoded.result.diagnostics.map(\.message).joined()
    #expect(
      message.hasPrefix("'network.input' and 'network.classes' are not written, and the data"), "\(message)")
  }

  @Test func aHopelessFileEndsSomewhere() {
    let text = completed((0..<5000).map { "unheard-of-\($0): 1\n" }.joined())
    let decoded = Decoded(text)
    #expect(decoded.result.diagnostics.count == DiagnosticBag.limit)
    #expect(decoded.result.droppedCount == 5000 - DiagnosticBag.limit)
  }
}
