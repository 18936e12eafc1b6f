internal import Diagnostics
internal import SpecLanguage

/// Where the network halves its images, item by item, and how.
struct DownsamplingSchedule {
  struct Halving {
    var kind: DownsamplingKind
    /// Of what says where.
    var span: SourceSpan
    /// Of the word that says how; of the section where none does.
    var kindSpan: SourceSpan
  }

  /// By item (layer or block), from 1.
  private(set) var halvings: [Int: Halving] = [:]

  /// - Parameter standardItems: the items that read a halved image under `schedule: standard`.
  init(_ spec: DownsamplingSpec, itemCount: Int, noun: String, standardItems: [Int], bag: inout [Diagnostic])
  {
    func place(_ items: [Int], at span: SourceSpan) {
      for item in items {
        halvings[item] = Halving(kind: spec.kind.value, span: span, kindSpan: spec.kind.span)
      }
    }
    switch spec.placement {
    case .none: break
    case .standard(let span): place(standardItems, at: span)
    case .accelerated(let by):
      // The i-th halving moves from p to max(i, p - n).
      place(standardItems.enumerated().map { max($0.offset + 1, $0.element - by.value) }, at: by.span)
    case .before(let positions):
      for position in positions {
        if position.item.value > itemCount {
          bag.append(.noSuchItem(position.item.value, count: itemCount, noun: noun, at: position.item.span))
        } else {
          halvings[position.item.value] = Halving(
            kind: position.kind.value, span: position.item.span, kindSpan: position.kind.span)
        }
      }
    }
  }
}
