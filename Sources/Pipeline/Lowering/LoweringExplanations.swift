package import Diagnostics
internal import SpecLanguage

/// What `strata explain` knows: every code of every phase, rising.
package let allExplanations =
  (specExplanations + loweringExplanations + rankExplanations + warningExplanations + runWarningExplanations)
  .sorted {
    $0.code < $1.code
  }

/// The codes of this phase, rising: what only shapes and counts can tell.
private let loweringExplanations = [
  CodeExplanation(
    code: "E101", title: "an odd image folded into channels",
    text: """
      'kind: invertible' makes channels of 2x2 squares and loses nothing, so the sides of the image have to be even. The other
      kinds take any size, as in PyTorch: a stride leaves ceil(n / 2) of n rows, a pool floor(n / 2). Which size reaches a
      layer follows from 'network.input', the stem and the halvings before it; `strata show` draws the sizes layer by layer.
      """,
    bad: """
      network: {family: vgg, input: 3x12x12, widths: [8, 8, 8, 8]}
      downsampling: {kind: invertible, before: [1, 2, 3]}
      """,
    good: """
      network: {family: vgg, input: 3x16x16, widths: [8, 8, 8, 8]}
      downsampling: {kind: invertible, before: [1, 2, 3]}
      """),
  CodeExplanation(
    code: "E102", title: "no such layer or block",
    text: """
      'downsampling.before' and 'training.partition.cuts' name layers (vgg) or blocks (resnet). They count from 1, up
      to what the network has; a resnet's stem is no block.
      """,
    bad: "downsampling: {before: [2, 9]}",
    good: "downsampling: {before: [2, 4]}"),
  CodeExplanation(
    code: "E104", title: "more modules than layers",
    text: """
      A module is a run of whole layers (vgg) or of whole blocks and the stem (resnet), so that there are at most as
      many modules as there are of those.
      """,
    bad: "training: {partition: {modules: 9}}",
    good: "training: {partition: {modules: 2}}"),
  CodeExplanation(
    code: "E106", title: "an image too small for its classifier",
    text: """
      Some classifiers need room: the head 'vgg' halves the image once more, the auxiliary 'vgg' runs two unpadded
      3x3 convolutions over half of it. Downsample less before that module, or choose a classifier that averages
      what is there, such as 'linear' or 'gap'.
      """,
    bad: """
      auxiliary: vgg
      downsampling: {before: [1, 2]}
      """,
    good: """
      auxiliary: linear
      downsampling: {before: [1, 2]}
      """),
  CodeExplanation(
    code: "E110", title: "no such module",
    text: """
      The overrides of 'auxiliary' and 'training' name modules. They count from 1; how many there are is the
      partition's matter: `strata show` lists them.
      """,
    bad: "auxiliary: {kind: linear, overrides: [{module: 9, kind: mlp-sr}]}",
    good: "auxiliary: {kind: linear, overrides: [{module: 2, kind: mlp-sr}]}"),
  CodeExplanation(
    code: "E111", title: "larger than any memory",
    text: """
      One value of this network would hold more than 2^40 numbers, 4 TiB, or what a module outputs would take more than
      2^60 bytes for all images. Most likely a digit too many went into 'network.input', a width, 'training.batch' or
      'data.limit'.
      """,
    bad: "network: {family: vgg, input: 3x16384x16384, widths: [4096]}",
    good: "network: {family: vgg, input: 3x224x224, widths: [64]}"),
  CodeExplanation(
    code: "E112", title: "auxiliary widths and modules differ in number",
    text: """
      A list of widths under an auxiliary of kind 'cnn' has one entry a module. A number, 'same' or 'doubled' speaks of
      all modules at once.
      """,
    bad: "auxiliary: {kind: cnn, width: [8, 16]}",
    good: "auxiliary: {kind: cnn, width: [8, 8, 16, 16]}"),
  CodeExplanation(
    code: "E113", title: "batch norm over a single value",
    text: """
      Batch norm divides by the standard deviation of a channel over the images of the batch. With one image of
      one pixel there is none: train with a larger batch, keep the image larger, or drop batch norm.
      """,
    bad: """
      network: {family: vgg, input: 3x1x1, widths: [8]}
      training: {batch: 1}
      """,
    good: """
      network: {family: vgg, input: 3x1x1, widths: [8]}
      training: {batch: 2}
      """),
  CodeExplanation(
    code: "E114", title: "no batch can be filled",
    text: """
      With 'drop-last' a batch that is not full is left out; here that is every batch, because the data has fewer
      training images than one batch takes.
      """,
    bad: "training: {batch: 4096, drop-last: true}",
    good: "training: {batch: 64, drop-last: true}"),
  CodeExplanation(
    code: "E115", title: "a staggered start without parallel training",
    text: """
      'training.start.every' lets each module begin some epochs behind the one before, while all of them train side
      by side. In sequential training a module begins when the one before it has finished.
      """,
    bad: "training: {strategy: sequential, epochs: 9, start: {every: 2}}",
    good: "training: {strategy: parallel, epochs: 9, start: {every: 2}}"),
  CodeExplanation(
    code: "E116", title: "more work than any machine can do",
    text: """
      One layer would take more than 2^46 multiply-adds for a single image: hours, on one core. Most likely a digit
      too many went into 'network.input' or a width.
      """,
    bad: "network: {family: vgg, input: 3x1024x1024, widths: [8192, 8192]}",
    good: "network: {family: vgg, input: 3x224x224, widths: [64, 64]}"),
  CodeExplanation(
    code: "E117", title: "a last batch of one image",
    text: """
      The last batch of an epoch takes what is left over; here that is one image, and somewhere in this network batch
      norm has nothing but the images of a batch to take its statistics from. Leave the last batch out, or choose
      another size.
      """,
    bad: """
      data: {limit: {train: 1000}}
      auxiliary: mlp-sr
      training: {batch: 37}
      """,
    good: """
      data: {limit: {train: 1000}}
      auxiliary: mlp-sr
      training: {batch: 37, drop-last: true}
      """),
  CodeExplanation(
    code: "E118", title: "a zero-padded shortcut that would drop channels",
    text: """
      'shortcut: zero-pad' carries a block's input past its convolutions and fills new channels with zeros. It cannot
      take channels away, as a block narrower than its input needs, and as 'invertible' downsampling, which makes four
      times the channels, asks of most blocks. A projection can.
      """,
    bad: """
      network: {family: resnet, shortcut: zero-pad, stages: [{blocks: 1, width: 16}, {blocks: 1, width: 8}]}
      """,
    good: """
      network: {family: resnet, shortcut: zero-pad, stages: [{blocks: 1, width: 8}, {blocks: 1, width: 16}]}
      """),
  CodeExplanation(
    code: "E119", title: "the activation cache of augmented images",
    text: """
      'memory.features: cache' computes what the frozen modules before a stage give once and keeps it for all of the
      stage's epochs. With random crops or flips every epoch has images of its own, so there is nothing to keep.
      """,
    bad: """
      data: {augment: {flip: horizontal}}
      training: {strategy: sequential}
      memory: {features: cache}
      """,
    good: """
      training: {strategy: sequential}
      memory: {features: cache}
      """),
  CodeExplanation(
    code: "E140", title: "a pool of nothing",
    text: """
      A pool takes 2x2 windows and leaves floor(n / 2) of n rows. Of an image with one row or one column it leaves nothing.
      Pool less often before this layer or block, or take a larger 'network.input'; a stride leaves one row of one.
      """,
    bad: """
      network: {family: vgg, input: 3x7x7, widths: [8, 8, 8, 8]}
      downsampling: {before: [1, 2, 3]}
      """,
    good: """
      network: {family: vgg, input: 3x7x7, widths: [8, 8, 8, 8]}
      downsampling: {before: [1, 2]}
      """),
  CodeExplanation(
    code: "E130", title: "a slow module that works in turn",
    text: """
      'training.asynchronous.slow' makes one module be drawn less often than the others. With 'order: sequential' none is
      drawn: the modules work one after the other, each as often as any other.
      """,
    bad: "training: {strategy: asynchronous, asynchronous: {order: sequential, slow: {module: 2, by: 1.5}}}",
    good: "training: {strategy: asynchronous, asynchronous: {order: random, slow: {module: 2, by: 1.5}}}"),
  CodeExplanation(
    code: "E131", title: "modules that cannot be kept frozen",
    text: """
      'network.frozen' keeps the first modules as 'network.from' has them, and trains the others behind them. The modules
      must be stored there, one at least must be left to train, and none that is kept can have an override. End-to-end
      training has only one module.
      """,
    bad: "network: {family: vgg, widths: [8, 8, 8, 8], frozen: 2}",
    good: "network: {family: vgg, widths: [8, 8, 8, 8], frozen: 0}"),
  CodeExplanation(
    code: "E132", title: "weights that do not fit",
    text: """
      The weights that 'network.from' names cannot be read, are not finite, or are not of this network: a layer or block that
      the file has must be there whole, in this network's shapes, and with nothing that this network does not have. One that
      'network.frozen' keeps must also be pooled, strided and added up as it was. What the file does not have, behind its
      last layer, starts as 'network.init' says. A run's folder has weights when the run is finished.
      """,
    bad: "network: {family: vgg, widths: [8, 8, 8, 8], from: no-such-run}",
    good: "network: {family: vgg, widths: [8, 8, 8, 8]}"),
  CodeExplanation(
    code: "E133", title: "channels ranked over more images than there are",
    text: """
      'compression.pictures' is how many of the training images the importance of a channel is averaged over. A subset,
      as 'data.limit' makes one, may hold fewer. Without the key it is averaged over all of them.
      """,
    bad: """
      training: {strategy: sequential}
      compression: {width: 4, epochs: 1, pictures: 5000}
      """,
    good: """
      training: {strategy: sequential}
      compression: {width: 4, epochs: 1}
      """),
  CodeExplanation(
    code: "E134", title: "more training than can be counted",
    text: """
      All steps of all epochs would take more than 2^62 multiply-adds: over a year at 100 billion a second.
      Most likely a digit too many went into 'training.epochs', the epochs of an override or of 'compression', or 'data.limit'.
      Where modules start apart, the last epoch of all must not be beyond the 2^32nd.
      """,
    bad: """
      network: {family: vgg, input: 3x256x256, widths: [512, 512, 512]}
      training: {epochs: 1000000}
      """,
    good: """
      network: {family: vgg, input: 3x256x256, widths: [512, 512, 512]}
      training: {epochs: 100}
      """),
  CodeExplanation(
    code: "E135", title: "channels ranked over a single image",
    text: """
      By the criterion 'taylor' a channel's importance is a gradient through the module's auxiliary, where batch norm takes
      the statistics of the images that pass at once. Behind a pool to one pixel it has one number of each image: with
      a single image nothing is left of it, every channel would be worth nothing, and the first ones would stay.
      Images pass in batches as even as can be, so that only batches of two leave one over.
      """,
    bad: """
      auxiliary: {kind: mlp, hidden: 1}
      training: {strategy: sequential}
      compression: {width: 4, epochs: 1, pictures: 1}
      """,
    good: """
      auxiliary: {kind: mlp, hidden: 1}
      training: {strategy: sequential}
      compression: {width: 4, epochs: 1, pictures: 1000}
      """),
  CodeExplanation(
    code: "E160", title: "a file that holds no weights for Strata",
    text: """
      'network.from' names a file of another kind, a file that is not whole, or a folder in which no run has left a
      model.safetensors. Weights are read from safetensors files alone. A file of torch.save becomes one in Python:
      safetensors.torch.save_file(torch.load("e.pt", map_location="cpu", weights_only=True), "e.safetensors"), where e.pt
      holds a state_dict() with Strata's names of tensors (specs/RUNS.md lists them).
      """,
    bad: "network: {family: vgg, widths: [8, 8, 8, 8], from: e.pt}",
    good: "network: {family: vgg, widths: [8, 8, 8, 8]}"),
  CodeExplanation(
    code: "E161", title: "stored numbers that are no 32-bit floats",
    text: """
      Strata computes with 32-bit floats. Stored floats of 16 bits (F16, BF16) are converted exactly, those of 64 bits (F64)
      to the nearest float. Integers and packed types are refused, and so are numbers beyond 3.4e38, which would become
      infinite. PyTorch's counts of batches ('num_batches_tracked') are not read.
      """,
    bad: "network: {family: vgg, widths: [8, 8, 8, 8], from: e.safetensors}",
    good: "network: {family: vgg, widths: [8, 8, 8, 8]}"),
]
