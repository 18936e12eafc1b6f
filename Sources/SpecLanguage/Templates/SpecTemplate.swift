/// A commented spec to start from: what `strata new NAME` prints.
package struct SpecTemplate: Hashable, Sendable {
  package let name: String
  /// One line, without a full stop.
  package let summary: String
  package let text: String

  /// The smallest first.
  package static let all = [minimal, digits, vggGreedy, vggDGL, resnetDGL]

  /// What every template begins with: editors that know YAML check and complete a spec by the schema that it names.
  private static let modeline = """
    # yaml-language-server: $schema=strata.schema.json
    # (`strata schema > strata.schema.json` writes that file; editors complete and check this one with it.)

    """

  init(name: String, summary: String, text: String) {
    self.name = name
    self.summary = summary
    self.text = Self.modeline + text + "\n"
  }
}

extension SpecTemplate {
  static let minimal = SpecTemplate(
    name: "minimal", summary: "the keys that every spec needs, on made-up images",
    text: """
      # The smallest spec. `strata show FILE --resolved` prints what the defaults fill in.
      strata: 1                 # version of the language
      name: minimal             # names plans and runs

      network:
        family: vgg
        input: 3x32x32          # channels x height x width
        classes: 10
        widths: [32, 64, 64]    # output channels, a layer each

      training: {}              # one epoch of parallel training, a module a layer
      """)

  static let digits = SpecTemplate(
    name: "digits", summary: "handwritten digits, built in: trains within a minute",
    text: """
      # Three layers on the handwritten digits that are built into Strata: nothing to download.
      strata: 1
      name: digits

      data:
        source: digits          # 8x8 grey images, ten classes
        augment: {pad-crop: 1}  # shift by up to a pixel

      network:
        family: vgg             # input and classes follow from the data
        widths: [32, 64, 96]
        head: {kind: mlp, hidden: [128, 128]}     # the last layer's classifier

      downsampling:
        kind: max-pool          # or average-pool, stride, invertible
        before: [2]             # layer 2 reads the halved image

      auxiliary:
        kind: mlp-sr            # the other layers' classifier: 1x1 convolutions on a shrunk image, then hidden layers
        convolutions: 1
        hidden: 1

      training:
        strategy: parallel      # or sequential, end-to-end
        epochs: 30
        batch: 64
        optimizer: {kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}
        schedule: {kind: step, every: 10, factor: 0.2}
        seed: 1
      """)

  static let vggGreedy = SpecTemplate(
    name: "vgg-greedy", summary: "a VGG-like net on CIFAR-10, layer after layer (sequential greedy)",
    text: """
      # Sequential greedy learning (Belilovsky et al., ICML 2019): each layer is trained with a small auxiliary network,
      # then frozen, before the next one begins.
      strata: 1
      name: vgg-greedy

      data:
        source: cifar10
        path: data/cifar-10-batches-bin           # starts at this file's folder; --data PATH replaces it
        augment: {pad-crop: 4, flip: horizontal}

      network:
        family: vgg
        widths: [128, 128, 256, 256]

      downsampling:
        kind: invertible        # 2x2 images to channels: nothing is lost, the next layer gets four times the channels
        before: [3]

      auxiliary:
        kind: cnn
        k: 3                    # hidden layers of the auxiliary problem, the trained layer counted: 1 is 'linear'
        width: same             # of the auxiliary convolutions: as many channels as the layer

      training:
        strategy: sequential
        partition: per-layer    # or {modules: 2}, {cuts: [3]}
        epochs: 50              # for each layer
        batch: 128
        optimizer: {kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}
        schedule: {kind: step, every: 15, factor: 0.2}
        momentum-at-decay: drop
        seed: 1
      """)

  static let vggDGL = SpecTemplate(
    name: "vgg-dgl", summary: "the same size of net, all layers side by side (decoupled greedy learning)",
    text: """
      # Decoupled greedy learning (Belilovsky et al., ICML 2020): every batch passes all layers, each learns from its own
      # auxiliary network, and no gradient crosses from one to another.
      strata: 1
      name: vgg-dgl

      data:
        source: cifar10
        path: data/cifar-10-batches-bin           # starts at this file's folder; --data PATH replaces it
        augment: {pad-crop: 4, flip: horizontal}

      network:
        family: vgg
        widths: [64, 128, 128, 256]
        head: {kind: mlp, hidden: [1024, 1024]}   # the last layer's classifier

      downsampling:
        kind: max-pool
        before: [2, 4]

      auxiliary:
        kind: mlp-sr            # a few percent of the layers' cost
        convolutions: 3
        hidden: 3

      training:
        strategy: parallel
        partition: per-layer
        epochs: 50
        batch: 128
        optimizer: {kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}
        schedule: {kind: step, every: 15, factor: 0.2}
        seed: 1
      """)

  static let resnetDGL = SpecTemplate(
    name: "resnet-dgl", summary: "a ResNet-18 on CIFAR-10 in four modules that learn side by side",
    text: """
      # A residual network, cut into modules of several blocks that learn side by side (decoupled greedy learning).
      strata: 1
      name: resnet-dgl

      data:
        source: cifar10
        path: data/cifar-10-batches-bin           # starts at this file's folder; --data PATH replaces it
        augment: {pad-crop: 4, flip: horizontal}

      network:
        family: resnet
        block: basic            # or bottleneck
        stem: {width: 64, kernel: 3}              # at 224 pixels: {width: 64, kernel: 7, stride: 2, pool: max}
        stages:
          - {blocks: 2, width: 64}
          - {blocks: 2, width: 128}
          - {blocks: 2, width: 256}
          - {blocks: 2, width: 512}
        head: gap               # global average, then one linear layer

      downsampling:
        kind: stride
        schedule: standard      # before each stage but the first; {accelerated: 2} halves two blocks earlier

      auxiliary: {kind: mlp-sr, convolutions: 3, hidden: 3}

      training:
        strategy: parallel
        partition: {cuts: [3, 5, 7]}              # modules begin at these blocks; per-block makes one of each
        epochs: 50
        batch: 128
        optimizer: {kind: sgd, learning-rate: 0.1, momentum: 0.9, weight-decay: 5e-4}
        schedule: cosine
        seed: 1
      """)
}
