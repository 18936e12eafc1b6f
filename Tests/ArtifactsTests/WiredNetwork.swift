import CostModel
import TestSupport

/// A network computed in Double from what its model file says alone: tensors by name, and each part's steps. Shares nothing with
/// the compiler and the engine.
struct WiredNetwork {
  let tensors: Fixture
  /// By the part's name.
  let wiring: [String: [String]]

  init(_ tensors: Fixture, metadata: [String: String]) {
    self.tensors = tensors
    let texts = metadata.filter { $0.key.hasPrefix("wiring.") }
    wiring = Dictionary(
      uniqueKeysWithValues: texts.map { key, text in
        (String(key.dropFirst("wiring.".count)), text.split(separator: ", ").map(String.init))
      })
  }

  /// Of every classifier, by its name.
  func logits(of images: Images) throws -> [String: Images] {
    func number(_ name: String) -> Int { Int(name.split(separator: ".").last ?? "") ?? 0 }
    let layers = wiring.keys.filter { $0.hasPrefix("layers.") || $0.hasPrefix("blocks.") }
      .sorted { number($0) < number($1) }
    var (x, found) = (images, [String: Images]())
    for layer in wiring.keys.filter({ $0 == "stem" }) + layers {
      x = try part(layer, x)
      for (name, steps) in wiring where steps[0] == "behind \(layer)" { found[name] = try part(name, x) }
    }
    return found
  }

  struct UnknownStep: Error {
    var step: String
  }

  private func part(_ name: String, _ input: Images) throws -> Images {
    let steps = wiring[name] ?? []
    let isBlock = name.hasPrefix("blocks.")
    let isClassifier = name == "head" || name.hasPrefix("auxiliaries.")
    var (x, source, shortcut) = (input, nil as Images?, nil as Images?)
    var (convolutionCount, linearCount, norm, isOnShortcut) = (0, 0, "\(name).batch_norm", false)
    for step in steps {
      let words = step.split(separator: " ").map(String.init)
      func option(_ word: String, _ usual: Int) -> Int {
        words.firstIndex(of: word).flatMap { Int(words[$0 + 1]) } ?? usual
      }
      func size(_ index: Int) -> [Int] { words[index].split(separator: "x").compactMap { Int($0) } }
      switch words[0] {
      case "behind": break
      case "conv":
        convolutionCount += 1
        source = source ?? x
        let owner = isClassifier ? "\(name).convolutions.\(convolutionCount)" : name
        let number = isBlock ? "\(convolutionCount)" : ""
        (norm, isOnShortcut) = ("\(owner).batch_norm\(number)", false)
        x = try convolution(x, "\(owner).conv\(number)", option("stride", 1), option("padding", 0), step)
      case "shortcut" where words[1] == "conv":
        (norm, isOnShortcut) = ("\(name).shortcut.batch_norm", true)
        shortcut = try convolution(
          source ?? x, "\(name).shortcut.conv", option("stride", 1), option("padding", 0), step)
      case "shortcut": shortcut = (source ?? x).subsampled(stride: option("stride", 1), channels: x.channels)
      case "batch-norm":
        if isOnShortcut, let y = shortcut {
          shortcut = try normalized(y, norm)
        } else {
          x = try normalized(x, norm)
        }
      case "add": x = x.with(values: Reference.addForward(x.values, (shortcut ?? source ?? x).values))
      case "max-pool":
        x =
          Reference.maxPoolForward(
            x, kernelSize: size(1)[0], stride: option("stride", 1), padding: option("padding", 0)
          ).output
      case "average-pool":
        guard size(1) == [2, 2] else { throw UnknownStep(step: step) }
        x = Reference.averagePoolForward(x, side: 2)
      case "adaptive-average-pool":
        guard size(1) == [x.height, x.width] else {
          throw UnknownStep(step: "\(step) at \(x.height)x\(x.width)")
        }
        x = Reference.adaptiveAveragePoolForward(x, outHeight: size(3)[0], outWidth: size(3)[1])
        norm = "\(name).batch_norm"
      case "fold": x = Reference.spaceToDepth(x)
      case "flatten":
        guard size(1) == [x.channels, x.height, x.width] else { throw UnknownStep(step: step) }
        x = flattened(x)
      case "linear":
        linearCount += 1
        let isLast = linearCount == steps.count { $0 == "linear" }
        let owner = isLast ? "\(name).output" : "\(name).hidden.\(linearCount).linear"
        norm = "\(name).hidden.\(linearCount).batch_norm"
        let weight = try tensors.tensor("\(owner).weight")
        x = Reference.linearForward(
          x, weight: weight.values, bias: try tensors.tensor("\(owner).bias").values,
          outFeatures: weight.shape[0])
      default:
        guard let activation = Activation(word: step) else { throw UnknownStep(step: step) }
        x = x.with(values: x.values.map(activation.reference.value))
        norm = "\(name).batch_norm"
      }
    }
    return x
  }

  private func convolution(
    _ x: Images, _ name: String, _ stride: Int, _ padding: Int, _ step: String
  ) throws -> Images {
    let weight = try tensors.tensor("\(name).weight")
    let bias = step.hasSuffix(" with bias") ? try tensors.tensor("\(name).bias").values : nil
    return Reference.convolutionForward(
      x, filter: PyTorchLayouts.filter(weight), bias: bias,
      ReferenceConvolution(
        outChannels: weight.shape[0], kernelSize: weight.shape[2], stride: stride, padding: padding))
  }

  private func normalized(_ x: Images, _ name: String) throws -> Images {
    Reference.batchNormInference(
      x,
      ReferenceBatchNorm(
        scale: try tensors.tensor("\(name).weight").values, shift: try tensors.tensor("\(name).bias").values,
        runningMean: try tensors.tensor("\(name).running_mean").values,
        runningVariance: try tensors.tensor("\(name).running_var").values))
  }

  /// By channel, row and column.
  private func flattened(_ x: Images) -> Images {
    var values: [Double] = []
    for n in 0..<x.batch {
      for c in 0..<x.channels {
        for i in 0..<x.height { for j in 0..<x.width { values.append(x[n, i, j, c]) } }
      }
    }
    return Images(rows: x.batch, channels: values.count / x.batch, values: values)
  }
}
