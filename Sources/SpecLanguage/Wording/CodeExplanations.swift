package import Diagnostics

/// What `strata explain` says of this phase's codes; a later phase adds its own.
package let specExplanations =
  (textExplanations + keyExplanations + valueExplanations + relationExplanations + compressionExplanations
  + dataExplanations)
  .sorted { $0.code < $1.code }

// MARK: - E00x: the text

private let textExplanations = [
  CodeExplanation(
    code: "E001", title: "the file is too large",
    text: """
      A spec is a page of text. A file of more than a mebibyte is not one, and is not read: most likely the path
      names something else, such as a data set or a checkpoint.
      """,
    bad: "strata plan data/train.bin",
    good: "strata plan net.yaml"),
  CodeExplanation(
    code: "E002", title: "not UTF-8",
    text: """
      Specs are UTF-8 text. The place is the first byte that no UTF-8 text can have there. An editor that saved the
      file as Latin-1 or UTF-16 can save it again as UTF-8.
      """,
    bad: "name: caf\u{FFFD}     (the byte 0xE9)",
    good: "name: cafe"),
  CodeExplanation(
    code: "E003", title: "a character that is no text",
    text: """
      Control characters, among them NUL, and characters that Unicode keeps for other uses cannot stand in a spec.
      They are invisible in most editors; delete the one at the given place.
      """,
    bad: "name: net\u{FFFD}     (the character U+0000)",
    good: "name: net"),
  CodeExplanation(
    code: "E004", title: "indented by a tab",
    text: "YAML indents by spaces alone, because a tab is as wide as each editor likes.",
    bad: "training:\n\tepochs: 2",
    good: "training:\n  epochs: 2"),
  CodeExplanation(
    code: "E005", title: "not YAML",
    text: """
      The text breaks a rule of YAML, so that nothing behind this place can be understood. Usual reasons: a bracket
      or a quote that is not closed before this place, keys of one mapping in different columns, a ':' missing
      behind a key.
      """,
    bad: "data: {source: digits",
    good: "data: {source: digits}"),
  CodeExplanation(
    code: "E006", title: "nested too deep",
    text: "No key of a spec lies deeper than six levels; reading stops at 64.",
    bad: "data: " + String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
    good: "data: {source: digits}"),
  CodeExplanation(
    code: "E007", title: "anchors and aliases",
    text: """
      YAML's anchors (&name), aliases (*name) and merge keys (<<) are not part of the language: what a spec says has
      to stand in its lines. Where layers repeat, use 'repeat' in 'widths' or 'blocks' in 'stages'.
      """,
    bad: "data: {limit: &all {train: 100}}",
    good: "data: {limit: {train: 100}}"),
  CodeExplanation(
    code: "E008", title: "tags",
    text: "YAML's tags (!!int, !own) are not part of the language: a key knows what type it takes.",
    bad: "training: {epochs: !!int 2}",
    good: "training: {epochs: 2}"),
  CodeExplanation(
    code: "E009", title: "more than one document",
    text: "A file holds one spec. What stands behind a second '---' would never be read.",
    bad: "numerics: fast\n---\nnumerics: strict",
    good: "numerics: strict"),
  CodeExplanation(
    code: "E010", title: "a key that is no word",
    text:
      "YAML allows lists and mappings as keys; a spec's keys are words. Often a brace or bracket is one too many.",
    bad: "data: {[source]: digits}",
    good: "data: {source: digits}"),
  CodeExplanation(
    code: "E011", title: "no mapping at the top",
    text: """
      A spec is a mapping from keys to values. The file is empty, or a list, as here where a hyphen stands before each
      key, or a single value.
      """,
    bad: """
      - strata: 1
      - name: net
      - network: {family: vgg, widths: [8]}
      - training: {epochs: 1}
      """,
    good: """
      strata: 1
      name: net
      network: {family: vgg, widths: [8]}
      training: {epochs: 1}
      """),
]

// MARK: - E02x and E06x: keys

private let keyExplanations = [
  CodeExplanation(
    code: "E020", title: "a key twice",
    text: """
      A key can stand once in its mapping. Which of two values was meant nobody can tell; in plain YAML the later
      one would win without a word.
      """,
    bad: "training:\n  epochs: 2\n  epochs: 20",
    good: "training:\n  epochs: 20"),
  CodeExplanation(
    code: "E021", title: "an unknown key",
    text: """
      The language has no such key, here or elsewhere. It is never ignored: a misspelt key would leave its default
      in force for a whole run. `strata schema` gives editors what they need to complete keys.
      """,
    bad: "training: {epoch: 2}",
    good: "training: {epochs: 2}"),
  CodeExplanation(
    code: "E022", title: "a misplaced key",
    text: """
      The key exists, but not here: it belongs to another section, or to another kind than the one chosen. 'k', for
      one, counts the layers of 'kind: cnn' and means nothing for 'kind: mlp-sr'. Where '--set' chooses another kind
      than the file's, keys of the file that the new one does not have are left out, with a warning.
      """,
    bad: "auxiliary: {kind: mlp-sr, k: 3}",
    good: "auxiliary: {kind: cnn, k: 3}"),
  CodeExplanation(
    code: "E023", title: "a missing key",
    text: """
      The key has no default that would be right often enough, so it has to be written. The place is the section it
      belongs to.
      """,
    bad: "training:\n  schedule: {kind: step, every: 15}",
    good: "training:\n  schedule: {kind: step, every: 15, factor: 0.2}"),
  CodeExplanation(
    code: "E024", title: "a key without value",
    text: """
      Nothing stands behind the key, or one of YAML's words for nothing (null, ~). Leave the key out to have its
      default, or write a value. Where the lines below belong to the key, indent them.
      """,
    bad: "training:\n  epochs:",
    good: "training:\n  epochs: 2"),
  CodeExplanation(
    code: "E025", title: "keys that exclude each other",
    text: """
      Both keys say the same thing in different ways, such as a list of places and a rule that gives the places. Where one
      is set on the command line, --set KEY=null takes the file's away.
      """,
    bad: "downsampling: {before: [1], schedule: standard}",
    good: "downsampling: {before: [1]}"),
  CodeExplanation(
    code: "E060", title: "a '--set' that cannot be read",
    text: """
      '--set' takes the dotted path of a key, '=' and a value as it would stand in a spec. Entries of lists count
      from 1: --set 'network.stages[2].blocks=3'. 'null' takes the key away: --set compression=null.
      """,
    bad: "--set training.epochs",
    good: "--set training.epochs=2"),
  CodeExplanation(
    code: "E061", title: "no such entry",
    text: "The path of a '--set' names an entry that the list does not have. Entries count from 1.",
    bad: "--set network.widths[99]=64",
    good: "--set network.widths[1]=64"),
  CodeExplanation(
    code: "E062", title: "a path that goes on too long",
    text: "The path of a '--set' goes on behind a key that takes a value and has no keys inside.",
    bad: "--set training.epochs.all=2",
    good: "--set training.epochs=2"),
  CodeExplanation(
    code: "E090", title: "not supported yet",
    text: """
      The spec is right, but this release cannot run what it asks for. It is refused rather than replaced by
      something else.
      """,
    bad: "data: {source: cifar10, augment: {random-resized-crop: default}}",
    good: "data: {source: cifar10, augment: {pad-crop: 4, flip: horizontal}}"),
]
