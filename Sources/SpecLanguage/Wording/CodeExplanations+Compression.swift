internal import Diagnostics

// MARK: - E051 to E053: compression

let compressionExplanations = [
  CodeExplanation(
    code: "E051", title: "compression without sequential training",
    text: """
      'compression' trains a layer, takes its least important channels away, fine-tunes what is left, and goes on to the
      next layer, which reads fewer channels from its first step on. Only sequential training has such a moment between
      two layers.
      """,
    bad: "training: {strategy: parallel}\ncompression: {width: 4, epochs: 1}",
    good: "training: {strategy: sequential}\ncompression: {width: 4, epochs: 1}"),
  CodeExplanation(
    code: "E052", title: "compression of something else than single layers",
    text: """
      'compression' ranks the channels that a module outputs, so every layer of a vgg network has to be a module, as
      'partition: per-layer' makes it. The channels of residual blocks belong to several blocks at once, through their
      shortcuts, and stored weights are not trained before they would be ranked.
      """,
    bad:
      "training: {strategy: sequential, partition: {modules: 2}}\ncompression: {width: 4, epochs: 1}",
    good:
      "training: {strategy: sequential, partition: per-layer}\ncompression: {width: 4, epochs: 1}"),
  CodeExplanation(
    code: "E053", title: "a compression that removes nothing",
    text: """
      'compression.width' is how many of a layer's channels stay. It can't exceed the layer's width; a layer that keeps
      all of them stays as it was trained, and at least one layer has to lose some.
      """,
    bad: "training: {strategy: sequential}\ncompression: {width: 9, epochs: 1}",
    good: "training: {strategy: sequential}\ncompression: {width: 4, epochs: 1}"),
]
