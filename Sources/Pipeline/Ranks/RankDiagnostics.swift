internal import Diagnostics
internal import GraphIR
internal import Planning
internal import SpecLanguage

// Codes of the E200s are about splitting a plan on ranks.
extension Diagnostic {
  static func ranksNeedParallel(strategy: String, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E200", message: "modules work on ranks in parallel training alone", primary: span,
      label: "the strategy is \(strategy)",
      help: "set `training.strategy: parallel`, or plan for one process, without '--ranks'")
  }

  static func ranksNeedOneStage(_ count: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E201", message: "ranks train modules that all learn from the first epoch to the last",
      primary: span, label: "the training has \(count) stages",
      help: "give all modules the same epochs and drop `training.start`, or plan without '--ranks'")
  }

  static func moreRanksThanModules(_ ranks: Int, modules: Int, at span: SourceSpan) -> Self {
    Diagnostic(
      code: "E202", message: "\(ranks) ranks are more than the network has modules that learn", primary: span,
      label: "\(modules) module\(modules == 1 ? "" : "s")",
      help: "ask for \(modules) rank\(modules == 1 ? "" : "s") or fewer, or cut the network into more modules"
    )
  }
}

/// Why modules can't be split on so many ranks; nil where they can.
func rankFault(of spec: Spec, _ plan: Plan, count: Int) -> Diagnostic? {
  let strategy = spec.training.strategy
  guard strategy.value == .parallel else {
    return .ranksNeedParallel(strategy: strategy.value.rawValue, at: strategy.span)
  }
  guard plan.stages.count == 1 else { return .ranksNeedOneStage(plan.stages.count, at: strategy.span) }
  let modules = plan.modules.count - plan.training.frozenCount
  guard count <= modules else {
    return .moreRanksThanModules(count, modules: modules, at: spec.training.partition.place)
  }
  return nil
}

extension PartitionSpec {
  fileprivate var place: SourceSpan {
    switch self {
    case .perLayer(let span), .perBlock(let span), .cuts(_, let span), .auto(let span): span
    case .modules(let count): count.span
    }
  }
}
