package import Execution

extension EpochFigures {
  /// From a line of `metrics.jsonl`.
  /// - Returns: nil for anything else.
  package init?(metricsLine line: String) {
    var figures = EpochFigures(
      module: 0, epoch: 0, split: .train, loss: .nan, top1: .nan, top5: .nan, seconds: 0)
    var split: Split?
    var scanner = JSONScanner(Array(line.utf8))
    do throws(JSONScanner.Fault) {
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "module": figures.module = try scanner.naturalNumber()
        case "epoch": figures.epoch = try scanner.naturalNumber()
        case "split": split = Split(rawValue: try scanner.string())
        case "loss": figures.loss = try scanner.numberOrNull() ?? .nan
        case "top1": figures.top1 = try scanner.numberOrNull() ?? .nan
        case "top5": figures.top5 = try scanner.numberOrNull() ?? .nan
        case "seconds": figures.seconds = try scanner.numberOrNull() ?? 0
        case _: try scanner.skipValue()
        }
      }
      try scanner.end()
    } catch {
      return nil
    }
    guard let split, figures.module > 0, figures.epoch > 0 else { return nil }
    figures.split = split
    self = figures
  }
}
