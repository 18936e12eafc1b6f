internal import Datasets
internal import Execution
internal import Planning
internal import Text

extension NotFinite {
  /// What was found and where: epoch and step, tensor, loss, image.
  var message: String {
    var parts: [String] = []
    if let tensor {
      parts.append(
        "the tensor '\(tensor.name)' of module \(module) holds \(tensor.valueText) at element \(tensor.index)"
      )
    }
    if let loss {
      let whose = isEnsemble ? "the ensemble of the modules up to \(module)" : "module \(module)"
      parts.append("the \(split == .test ? "test" : "training") loss of \(whose) is \(Self.words(loss))")
    }
    if parts.isEmpty { parts.append("the features of module \(module) are not finite") }
    let place = [epoch.map { "epoch \($0)" }, step.map { "step \($0)" }].compactMap(\.self)
    let when = place.isEmpty ? "" : " in \(place.joined(separator: ", "))"
    return "numbers are not finite\(when): \(parts.joined(separator: ", and "))"
      + (image.map { "; \($0.words)" } ?? "")
  }

  /// What would help.
  ///
  /// - Parameter largeImages: of the whole data set: a batch before may have held one.
  func advice(largeImages: LargeImages?, _ plan: Plan) -> String {
    if let image {
      return image.isFeature
        ? "the modules before give infinite or huge features for this image: train them again, or leave it out"
        : "correct this image or leave it out, or scale the images: after `data.normalize` numbers near 1 are expected"
    }
    if let largeImages {
      return "\(largeImages.words); scale the images, or correct these: numbers near 1 are expected"
    }
    guard let learningRate else { return "the weights are too large for these images: train again" }
    let key = epoch.map { learningRateKey(epoch: $0, plan) } ?? "training.optimizer.learning-rate"
    return "try a lower `\(key)` (it is \(rateText(learningRate)) here), a schedule that warms up "
      + "(`training.schedule.warm-up` of `cosine`), or batch norm where it is off"
  }

  /// `NaN`, `inf`, `-1e+20`.
  static func words(_ value: Float) -> String { value.isNaN ? "NaN" : "\(value)" }

  /// Where the spec says how fast a module learns in an epoch of its own.
  private func learningRateKey(epoch: Int, _ plan: Plan) -> String {
    let module = plan.training.modules[module - 1]
    let isTuned = epoch > module.epochs && module.narrowing?.learningRate != nil
    return isTuned ? "compression.learning-rate" : "training.optimizer.learning-rate"
  }
}

extension NotFinite.Image {
  var words: String {
    let place =
      "image \(index) of \(split == .train ? DatasetSplit.train.words : DatasetSplit.test.words) (they count from 0)"
    return isFeature
      ? "the features of \(place) hold \(NotFinite.words(value))"
      : "\(place), in this batch, holds \(NotFinite.words(value)) once normalised"
  }
}

extension LargeImages {
  /// `3 images hold numbers beyond 1,000,000 in magnitude; the first is image 17 of the training set with -1e+20 (PATH)`.
  var words: String {
    let first = "image \(index) of \(split.words) (they count from 0) holds \(value)"
    let limit = grouped(Int(Dataset.largestExpectedMagnitude))
    return count == 1
      ? "\(path): \(first), beyond \(limit) in magnitude"
      : "\(path): \(count) images hold numbers beyond \(limit) in magnitude; the first: \(first)"
  }
}
