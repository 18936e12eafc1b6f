internal import Diagnostics
internal import SpecLanguage

/// Faults between the data and the rest of the spec.
func dataFaults(of spec: Spec) -> [Diagnostic] {
  var faults: [Diagnostic] = []
  let data = spec.data
  let network = spec.network
  let input = network.input.value
  if let facts = data.source.value.facts, !data.source.value.isMadeUp {
    if facts.input != input {
      faults.append(
        .inputIsNotTheData(
          input.text, data: facts.input.text, source: data.source.value.rawValue, at: network.input.span))
    }
    if network.classes.value < facts.classes {
      faults.append(
        .tooFewClasses(
          network.classes.value, data: facts.classes, source: data.source.value.rawValue,
          at: network.classes.span))
    }
  }
  if let normalization = data.normalization {
    for (key, values) in [("mean", normalization.mean), ("std", normalization.standardDeviation)]
    where values.value.count != input.channels {
      faults.append(
        .normalizationCount(values.value.count, channels: input.channels, key: key, at: values.span))
    }
  }
  return faults
}

extension PictureShape {
  var text: String { "\(channels)x\(height)x\(width)" }
}
