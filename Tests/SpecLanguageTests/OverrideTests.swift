import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

@Suite struct OverrideTests {
  @Test func setsReplaceAndAdd() throws {
    let spec = try spec(
      "training: {epochs: 5}\n",
      sets: ["training.epochs=7", "training.optimizer.momentum=0", "memory.budget=1GiB", "name=other"])
    #expect(spec.training.epochs.value == 7 && spec.training.optimizer.momentum.value == 0)
    #expect(spec.memory.budget?.value == .bytes(1 << 30) && spec.name.value == "other")
  }

  @Test func laterSetsWin() throws {
    #expect(try spec("", sets: ["training.epochs=7", "training.epochs=8"]).training.epochs.value == 8)
  }

  @Test func setsRepairFaultsOfTheFile() throws {
    #expect(try spec("training: {epochs: 0}\n", sets: ["training.epochs=2"]).training.epochs.value == 2)
  }

  @Test func bareWordsBecomeSections() throws {
    let spec = try spec(
      "auxiliary: cnn\ntraining: {schedule: constant}\n", sets: ["auxiliary.k=4", "training.schedule=cosine"])
    guard case .cnn(let k, _) = spec.auxiliary.standard.kind else { throw Unexpected() }
    #expect(k.value == 4)
    guard case .cosine = spec.training.schedule else { throw Unexpected() }
  }

  @Test func otherWordsMakeRoomForSections() throws {
    let spec = try spec("downsampling: {schedule: standard}\n", sets: ["downsampling.schedule.accelerated=2"])
    guard case .accelerated(let by) = spec.downsampling.placement else { throw Unexpected() }
    #expect(by.value == 2)
  }

  @Test func entriesCountFromOne() throws {
    let vgg = try spec(
      "network: {family: vgg, widths: [8, 8, {width: 8, repeat: 2}]}\n",
      sets: [
        "network.widths[2]=16", "network.widths[3].repeat=1",
      ])
    #expect(vgg.vggLayers.map(\.width.value) == [8, 16, 8])
    let resnet = try spec(
      "network: {family: resnet, stages: [{blocks: 1, width: 8}, {blocks: 1, width: 8}]}\n",
      sets: ["network.stages[2].blocks=3"])
    #expect(resnet.resnet?.stages.map(\.blocks.value) == [1, 3])
  }

  @Test func wholeSectionsAndLists() throws {
    let spec = try spec("", sets: ["network={family: vgg, widths: [4]}", "training.optimizer={kind: adam}"])
    #expect(spec.vggLayers.map(\.width.value) == [4])
    #expect(spec.training.optimizer.kind.value == .adam)
  }

  @Test(arguments: [
    ("⟦trainin⟧.epochs=1", "E021"), ("training.⟦epoch⟧=1", "E021"), ("⟦epochs⟧=1", "E022"),
    ("training.epochs=⟦0⟧", "E034"), ("training.epochs=⟦1e3⟧", "E032"), ("training.⟦epochs⟧=", "E024"),
    ("⟦training.epochs⟧", "E060"), ("⟦=1⟧", "E060"), ("⟦training..epochs=1⟧", "E060"), ("⟦⟧", "E060"),
    ("⟦network.widths[x]=1⟧", "E060"), ("⟦network.widths[1=1⟧", "E060"),
    ("network.widths⟦[9]⟧=1", "E061"), ("network.widths⟦[0]⟧=1", "E061"), ("training.epochs⟦[1]⟧=1", "E061"),
    ("training.epochs.⟦all⟧=1", "E062"), ("network.widths.⟦width⟧=1", "E062"),
    ("name=⟦&⟧a b", "E007"), ("name=a: b⟦⟧: c", "E005"), ("name=é", "E036"), ("é=1", "E021"),
    ("memory.budget=⟦2gb⟧", "E038"), ("auxiliary.⟦k⟧=3", "E022"), ("training.seed=⟦\u{1}⟧1", "E003"),
    ("network.widths=⟦[1, 2⟧", "E005"),
  ])
  func faultsPointIntoTheSet(marked: String, code: String) throws {
    let set = MarkedSpec(marked)
    let decoded = Decoded(completed(""), sets: [set.text])
    #expect(decoded.codes == [code], "\(decoded.rendered)")
    let primary = try #require(decoded.result.diagnostics.first?.primary)
    #expect(primary.file.index == 1)
    if let expected = set.primaries.first, code != "E005" {
      #expect(primary.utf8 == expected, "\(decoded.rendered)")
    }
    #expect(decoded.rendered.contains("--> --set:1:"))
  }

  @Test("null takes a key or a section away, as if nobody had written it")
  func nothing() throws {
    let text = completed(
      "downsampling: {kind: average-pool, before: [1]}\ntraining: {epochs: 5, batch: 64}\nmemory: {budget: 1GiB}\n"
    )
    let sets = [
      "training.epochs=null", "memory=~", "downsampling.before=null", "downsampling.schedule=standard",
      // Not there, and not made.
      "compression.pictures=null", "data.limit.train=null", "network.head.hidden=null",
    ]
    let decoded = Decoded(text, sets: sets)
    #expect(decoded.codes == [], "\(decoded.rendered)")
    let spec = try #require(decoded.result.spec)
    #expect(spec.training.epochs.value == 1 && spec.training.batch.value == 64 && spec.memory.budget == nil)
    guard case .standard = spec.downsampling.placement else { throw Unexpected() }
    #expect(spec.downsampling.kind.value == .averagePool && spec.compression == nil)
    let without = completed("downsampling: {kind: average-pool, schedule: standard}\ntraining: {batch: 64}\n")
    #expect(resolvedText(spec) == resolvedText(try #require(Decoded(without).result.spec)))
    // In an entry of a list, too; a later set may write it again.
    let entry = Decoded(
      completed("training: {overrides: [{module: 1, epochs: 3, learning-rate: 0.5}]}\n"),
      sets: ["training.overrides[1].epochs=null", "training.batch=null", "training.batch=32"])
    #expect(entry.codes == [], "\(entry.rendered)")
    #expect(
      entry.result.spec?.training.overrides.first?.epochs == nil
        && entry.result.spec?.training.batch.value == 32)
    // What is needed is missed, an unknown key stays unknown, and an entry is none that could be left out.
    #expect(Decoded(completed(""), sets: ["network.family=null"]).codes == ["E023"])
    #expect(Decoded(completed(""), sets: ["training.epoch=null"]).codes == ["E021"])
    #expect(Decoded(completed(""), sets: ["network.widths[1]=null"]).codes == ["E024"])
  }

  @Test func aKeyThatExcludesTheFilesSaysHowToTakeThatAway() throws {
    // A place in the set's text that lies before the other one in the file's.
    for lines in ["", "# a comment that moves the file's key far to the right of the set's\n"] {
      let decoded = Decoded(
        completed(lines + "downsampling: {before: [1]}\n"), sets: ["downsampling.schedule=standard"])
      #expect(decoded.codes == ["E025"], "\(decoded.rendered)")
      let fault = try #require(decoded.result.diagnostics.first)
      #expect(fault.primary.file.index == 1 && fault.notes.first?.span.file.index == 0)
      #expect(
        fault.help
          == "take the file's away: --set downsampling.before=null, or set all of 'downsampling' at once")
    }
    let whole = Decoded(
      completed("downsampling: {before: [1]}\n"), sets: ["downsampling={schedule: standard}"])
    #expect(whole.codes == [], "\(whole.rendered)")
  }

  @Test func kindsGivenByASetRuleTheFile() throws {
    let decoded = Decoded(completed("auxiliary: {kind: cnn, k: 3}\n"), sets: ["auxiliary.kind=mlp"])
    #expect(decoded.codes == [], "\(decoded.rendered)")
    guard case .mlp? = decoded.result.spec?.auxiliary.standard.kind else { throw Unexpected() }
    let warning = try #require(decoded.result.warnings.first)
    #expect(decoded.result.warnings.count == 1 && warning.code == "E022" && warning.severity == .warning)
    #expect(warning.primary.file.index == 0 && warning.notes.first?.span.file.index == 1)
  }

  @Test("a set's own keys are held against the kind, and those that the new kind needs are asked for")
  func setsOfAnotherKind() {
    let both = Decoded(completed("auxiliary: linear\n"), sets: ["auxiliary.kind=mlp", "auxiliary.k=2"])
    #expect(both.codes == ["E022"] && both.result.warnings.isEmpty, "\(both.rendered)")
    let missing = Decoded(
      completed("training: {schedule: {kind: cosine}}\n"),
      sets: ["training.schedule.kind=constant", "training.schedule.kind=step"])
    #expect(missing.codes == ["E023", "E023"] && missing.result.warnings.isEmpty, "\(missing.rendered)")
    let dropped = Decoded(
      completed("data: {source: cifar10, path: here, augment: {pad-crop: 4}}\n"),
      sets: ["data.source=synthetic"])
    #expect(dropped.codes == [], "\(dropped.rendered)")
    #expect(dropped.result.warnings.map(\.message) == ["key 'path' is left out"])
    #expect(dropped.result.spec?.data.path == nil)
  }

  @Test func originsTellFileSetDefaultAndDerived() throws {
    let decoded = Decoded(completed("training: {epochs: 2}\n"), sets: ["training.batch=4"])
    let text = try resolvedText(
      #require(decoded.result.spec), origins: decoded.result.origins, texts: decoded.texts)
    let comments = Dictionary(
      uniqueKeysWithValues: text.split(separator: "\n").compactMap { line -> (String, String)? in
        let parts = line.split(separator: "#").map { $0.filter { $0 != " " } }
        return parts.count == 2 ? (parts[0], parts[1]) : nil
      }.filter { ["epochs:2", "batch:4", "drop-last:false", "input:3x32x32", "name:test"].contains($0.0) })
    #expect(
      comments == [
        "epochs:2": "net.yaml:1", "batch:4": "--set", "drop-last:false": "default",
        "input:3x32x32": "derived",
        "name:test": "net.yaml:2",
      ])
  }
}
