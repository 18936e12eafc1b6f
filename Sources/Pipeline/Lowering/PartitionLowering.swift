internal import Diagnostics
internal import SpecLanguage

/// Which items begin a module.
struct PartitionLowering {
  /// Of the modules that are trained: one module in end-to-end training, whatever the partition says.
  private(set) var firstItems: [Int] = []
  /// Of the partition's modules.
  private(set) var partitionFirstItems: [Int] = []
  private(set) var diagnostics: [Diagnostic] = []

  /// - Parameter items: of the spec.
  init(_ spec: Spec, items: [Int]) {
    let noun = spec.network.isVGG ? "layer" : "block"
    partitionFirstItems = cut(spec, items: items, noun: noun)
    firstItems = spec.training.strategy.value == .endToEnd ? [items[0]] : partitionFirstItems
  }

  /// By module of the partition: how many of these items lie behind the first module, up to the module's last.
  func halvings(of items: [Int]) -> [Int] {
    let ends = partitionFirstItems.dropFirst().map { $0 - 1 } + [Int.max]
    return ends.map { end in items.count { $0 > ends[0] && $0 <= end } }
  }

  private mutating func cut(_ spec: Spec, items: [Int], noun: String) -> [Int] {
    switch spec.training.partition {
    // `auto` is as fine as can be unless a budget leaves room for less.
    case .perLayer, .perBlock, .auto: return items
    case .modules(let count):
      guard count.value <= items.count else {
        diagnostics.append(.moreModulesThanItems(count.value, items: items.count, noun: noun, at: count.span))
        return [items[0]]
      }
      // As even as can be, the longer runs first: 10 in 4 is 3, 3, 2, 2.
      let (length, longer) = items.count.quotientAndRemainder(dividingBy: count.value)
      return (0..<count.value).map { items[$0 * length + min($0, longer)] }
    case .cuts(let cuts, _):
      var starts = [items[0]]
      for cut in cuts {
        if cut.value > items[items.count - 1] {
          diagnostics.append(.noSuchItem(cut.value, count: items[items.count - 1], noun: noun, at: cut.span))
        } else if cut.value == items[0] && starts.count == 1 {
          continue  // the first module begins there anyway
        } else {
          precondition(cut.value > starts[starts.count - 1], "decoding rejects cuts that do not rise")
          starts.append(cut.value)
        }
      }
      return starts
    }
  }
}

extension Spec {
  /// The network's items, layers or blocks, in order; 0 is a resnet's stem.
  var items: [Int] {
    switch network.body {
    case .vgg(let vgg): Array(1...vgg.layers.count)
    case .resnet(let resnet): Array(0...resnet.stages.reduce(0) { $0 + $1.blocks.value })
    }
  }
}
