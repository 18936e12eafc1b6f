internal import Diagnostics

// MARK: - E03x: single values

let valueExplanations = [
  CodeExplanation(
    code: "E030", title: "a value of another type",
    text: """
      The key takes a value of one type and another stands there. Quotes make any value a text: "3" is no number.
      Lists stand in brackets or under hyphens, mappings in braces or indented.
      """,
    bad: "training: {epochs: \"2\"}",
    good: "training: {epochs: 2}"),
  CodeExplanation(
    code: "E031", title: "not a boolean",
    text: """
      true and false are the only booleans, as in YAML 1.2. What older YAML read as booleans (yes, no, on, off) is
      a text today, and is refused so that nobody has to know.
      """,
    bad: "training: {drop-last: yes}",
    good: "training: {drop-last: true}"),
  CodeExplanation(
    code: "E032", title: "not a whole number",
    text: """
      The key counts something, so it takes a whole number in plain digits: no fraction, no exponent, nothing
      between the digits. By YAML's rules 1e3 is a number with a fraction and 1_000 is a text.
      """,
    bad: "training: {batch: 1e3}",
    good: "training: {batch: 1000}"),
  CodeExplanation(
    code: "E033", title: "a number too large to be read",
    text: "The number does not fit into 64 bits. Every count in a spec is far smaller.",
    bad: "training: {batch: 99999999999999999999}",
    good: "training: {batch: 128}"),
  CodeExplanation(
    code: "E034", title: "out of range",
    text:
      "The value has the right type but lies outside of what the key takes. Counts start at 1; numbers below 1.2e-38 are 0.",
    bad: "training: {epochs: 0}",
    good: "training: {epochs: 1}"),
  CodeExplanation(
    code: "E035", title: "an unknown word",
    text: "The key takes one of a few words, and this is none of them.",
    bad: "downsampling: {kind: maxpool2, before: [1]}",
    good: "downsampling: {kind: max-pool, before: [1]}"),
  CodeExplanation(
    code: "E036", title: "a name with other characters",
    text: """
      The name becomes part of file and folder names, so it is made of small letters, digits and hyphens, at most 64
      of them.
      """,
    bad: "name: My Net",
    good: "name: my-net"),
  CodeExplanation(
    code: "E037", title: "not an image's shape",
    text: "An image's shape is written channels x height x width, without spaces, like 3x32x32.",
    bad: "network: {family: vgg, widths: [8], input: 3X32X32}",
    good: "network: {family: vgg, widths: [8], input: 3x32x32}"),
  CodeExplanation(
    code: "E038", title: "not a size of memory",
    text: """
      A size is a number and a binary unit: KiB, MiB, GiB, TiB, or B for bytes. A share of the machine's memory ends
      in '%'. GB is refused, because half of the world reads it as 10^9 bytes.
      """,
    bad: "memory: {budget: 2GB}",
    good: "memory: {budget: 2GiB}"),
  CodeExplanation(
    code: "E039", title: "a list of another length",
    text: "The list has more or fewer entries than the key takes.",
    bad: "network: {family: vgg, widths: []}",
    good: "network: {family: vgg, widths: [64]}"),
]

// MARK: - E04x: values that do not go together

let relationExplanations = [
  CodeExplanation(
    code: "E040", title: "an even kernel",
    text: """
      Convolutions are padded so that the image keeps its size. With an even kernel no padding does that on both
      sides alike.
      """,
    bad: "network: {family: vgg, widths: [8], kernel: 4}",
    good: "network: {family: vgg, widths: [8], kernel: 3}"),
  CodeExplanation(
    code: "E041", title: "numbers that do not rise",
    text: "The list names places in their order, each once, so every number is greater than the one before.",
    bad: "downsampling: {before: [2, 1]}",
    good: "downsampling: {before: [1, 2]}"),
  CodeExplanation(
    code: "E042", title: "lists for different numbers of layers",
    text: """
      'kernel', 'bias' and 'batch-norm' take one value for all layers or a list with one entry a layer. 'widths' says
      how many layers there are, each 'repeat' counted.
      """,
    bad: "network: {family: vgg, widths: [8, 8], kernel: [3, 3, 3]}",
    good: "network: {family: vgg, widths: [8, 8], kernel: [3, 3]}"),
  CodeExplanation(
    code: "E043", title: "a partition of the other family",
    text: "A vgg network is a stack of layers, a resnet a stack of blocks; a module is one of those.",
    bad: "training: {partition: per-block}",
    good: "training: {partition: per-layer}"),
  CodeExplanation(
    code: "E044", title: "a list in a resnet",
    text: "Lists with one entry a layer are for 'family: vgg'. The blocks of a resnet are all alike in this.",
    bad: "network: {family: resnet, stages: [{blocks: 1, width: 8}], bias: [true]}",
    good: "network: {family: resnet, stages: [{blocks: 1, width: 8}], bias: true}"),
  CodeExplanation(
    code: "E045", title: "a network unlike its data",
    text: """
      'network.input' and 'network.classes' follow from the data source. Where they are written they have to agree
      with it; leave them out, and they always do.
      """,
    bad: "data: {source: digits}\nnetwork: {family: vgg, widths: [8], input: 3x32x32}",
    good: "data: {source: digits}\nnetwork: {family: vgg, widths: [8], input: 1x8x8}"),
  CodeExplanation(
    code: "E046", title: "more images than there are",
    text: "'data.limit' takes the first so many images of a source, which has fewer.",
    bad: "data: {source: digits, limit: {train: 5000}}",
    good: "data: {source: digits, limit: {train: 1000}}"),
  CodeExplanation(
    code: "E047", title: "not one number a channel",
    text: "'mean' and 'std' hold one number for each channel of the image: three in colour, one in grey.",
    bad: "data: {source: digits, normalize: {mean: [0.5, 0.5], std: [0.2]}}",
    good: "data: {source: digits, normalize: {mean: [0.5], std: [0.2]}}"),
  CodeExplanation(
    code: "E048", title: "Nesterov without momentum",
    text: "Nesterov's rule looks ahead along the momentum. Without momentum it is plain gradient descent.",
    bad: "training: {optimizer: {kind: sgd, momentum: 0, nesterov: true}}",
    good: "training: {optimizer: {kind: sgd, momentum: 0.9, nesterov: true}}"),
  CodeExplanation(
    code: "E049", title: "a module twice",
    text: "Each module can be named once in a list of overrides; merge what both entries say.",
    bad: "training: {overrides: [{module: 1, epochs: 2}, {module: 1, learning-rate: 0.1}]}",
    good: "training: {overrides: [{module: 1, epochs: 2, learning-rate: 0.1}]}"),
  CodeExplanation(
    code: "E050", title: "another version of the language",
    text: "'strata' names the version of the language a spec is written in. This release reads version 1.",
    bad: "strata: 2",
    good: "strata: 1"),
]
