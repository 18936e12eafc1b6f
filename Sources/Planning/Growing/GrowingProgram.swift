internal import CostModel
internal import GraphIR

/// A program that grows module by module, with all that its figures need; nodes and values themselves are not kept. What comes
/// behind its last module can be tried without being added.
struct GrowingProgram {
  /// What a program needs behind what is resident.
  struct Figures {
    /// Bytes of its layout, the best that the packer finds.
    var layoutBytes: Int
    /// What is live where the most is.
    var peak: MemoryBreakdown
    var peakNode: Int
    var runtime: RuntimeMemory
  }

  private var layout = GrowingLayout()
  /// By block.
  private var categories: [MemoryCategory] = []
  private var nodeCount = 0
  /// The images and the labels.
  private var valueCount = 2
  private var productBufferBytes = 0
  /// By result of the last module's nodes: its block.
  private var resultBlocks: [Int] = []
  /// Blocks that live to the program's end, the labels aside.
  private var kept: [Int] = []
  private var isKept: [Bool] = []
  private var keptBytes = MemoryBreakdown()
  private var peak = MemoryBreakdown()
  private var peakNode = 0
  private(set) var frozenMultiplyAdds = 0
  private(set) var multiplyAddsPerImage = 0

  private static let images = 0
  private static let labels = 1

  /// Without any module.
  init(imageBytes: Int, labelBytes: Int) {
    for (index, byteCount) in [imageBytes, labelBytes].enumerated() {
      _ = layout.add(byteCount: byteCount, nodes: 0...0, tie: index, livesOn: index == Self.labels)
      categories.append(.batch)
      isKept.append(false)
    }
    layout.settle()
  }

  /// Adds a module.
  ///
  /// - Parameter next: the module that will follow; nil where none will.
  /// - Returns: false where the module wants what only the one before the last has made; the program is of no use then.
  mutating func append(_ fragment: ProgramFragment, next: ProgramFragment?) -> Bool {
    guard let extended = blocks(extendedBy: fragment) else { return false }
    let end = nodeCount + fragment.nodeCount - 1
    let own = Self.grow(&layout, fragment, from: nodeCount, extended, tie: categories.count, kept)
    categories += fragment.blocks.map(\.category)
    isKept += fragment.blocks.map(\.livesOn)
    resultBlocks = Self.resultBlocks(fragment, own, resultBlocks)
    let wantedBehind: Set<Int>
    if let next {
      guard let blocks = blocks(extendedBy: next) else { return false }
      wantedBehind = Set(blocks.map(\.index)).subtracting([Self.labels])
    } else {
      wantedBehind = []
    }
    guard !wantedBehind.contains(Self.images) else { return false }
    for index in wantedBehind.sorted() { layout.extend(index, to: end, livesOn: false) }
    layout.extend(Self.labels, to: end, livesOn: true)
    layout.settle()
    note(
      live(fragment, own, extended, wantedBehind: wantedBehind.union([Self.labels])), into: &peak, &peakNode)
    for (block, index) in zip(fragment.blocks, own) where block.livesOn {
      kept.append(index)
      keptBytes[block.category] += block.byteCount
    }
    nodeCount += fragment.nodeCount
    valueCount += fragment.valueCount
    productBufferBytes = max(productBufferBytes, fragment.productBufferBytes)
    frozenMultiplyAdds += fragment.step.frozen
    multiplyAddsPerImage += fragment.multiplyAddsPerImage
    return true
  }

  /// The figures of the program that ends with a module behind the last one.
  ///
  /// - Parameters:
  ///   - inside: the same module as the program has it where others follow.
  ///   - enough: bytes that another program of the stage takes; a layout that is no larger need not be the best.
  /// - Returns: nil where the module does not want what `inside` does, or the labels are not read last of all though metrics of
  ///   modules before it wait for the end.
  mutating func figures(endingWith fragment: ProgramFragment, inside: ProgramFragment, enough: Int = 0)
    -> Figures?
  {
    guard let extended = blocks(extendedBy: fragment), let others = blocks(extendedBy: inside),
      Set(extended.map(\.index)).union([Self.labels]) == Set(others.map(\.index)).union([Self.labels]),
      let labelsLast = fragment.labelsLast, kept.isEmpty || labelsLast == fragment.nodeCount - 1
    else { return nil }
    var (best, node) = (peak, peakNode)
    let own = Array(categories.count..<categories.count + fragment.blocks.count)
    note(live(fragment, own, extended, wantedBehind: []), into: &best, &node)
    let (start, tie, kept) = (nodeCount, categories.count, kept)
    let layoutBytes = layout.trying { layout in
      _ = Self.grow(&layout, fragment, from: start, extended, tie: tie, kept)
      layout.settle()
      // The packer is content with its first order where that reaches the bound.
      return layout.byteCount <= max(best.total, enough)
        ? layout.byteCount
        : ArenaPacker(layout.lifetimes).byteCount(largestFirst: layout.byteCount, enough: enough)
    }
    let runtime = RuntimeMemory(
      nodes: nodeCount + fragment.nodeCount, values: valueCount + fragment.valueCount, isRanking: false,
      productBufferBytes: max(productBufferBytes, fragment.productBufferBytes))
    return Figures(layoutBytes: layoutBytes, peak: best, peakNode: node, runtime: runtime)
  }

  // MARK: - Blocks

  private typealias Extended = (index: Int, last: Int)

  /// The blocks that a module behind the last one wants, and up to which of its nodes.
  private func blocks(extendedBy fragment: ProgramFragment) -> [Extended]? {
    var found: [Extended] = []
    for (block, last) in fragment.extended {
      switch block {
      case .labels: found.append((Self.labels, last))
      case .images:
        guard nodeCount == 0 else { return nil }
        found.append((Self.images, last))
      case .result(let result):
        // What lives on is counted already.
        guard result < resultBlocks.count, !isKept[resultBlocks[result]] else { return nil }
        let index = resultBlocks[result]
        if let place = found.firstIndex(where: { $0.index == index }) {
          found[place].last = max(found[place].last, last)
        } else {
          found.append((index, last))
        }
      }
    }
    return found
  }

  /// - Returns: the layout's index of each of the fragment's blocks.
  private static func grow(
    _ layout: inout GrowingLayout, _ fragment: ProgramFragment, from start: Int,
    _ extended: [Extended], tie: Int, _ kept: [Int]
  ) -> [Int] {
    let end = start + fragment.nodeCount - 1
    for (index, last) in extended { layout.extend(index, to: start + last, livesOn: index == labels) }
    for index in kept { layout.extend(index, to: end, livesOn: true) }
    return fragment.blocks.map { block in
      layout.add(
        byteCount: block.byteCount, nodes: start + block.nodes.lowerBound...start + block.nodes.upperBound,
        tie: tie + block.tie + (block.isScratch ? scratchTie : 0), livesOn: block.livesOn)
    }
  }

  /// Scratch comes behind all values.
  private static let scratchTie = 1 << 40

  private static func resultBlocks(
    _ fragment: ProgramFragment, _ own: [Int], _ earlier: [Int]
  ) -> [Int] {
    fragment.results.map { place in
      switch place {
      case .own(let block): own[block]
      case .earlier(.images): images
      case .earlier(.labels): labels
      case .earlier(.result(let result)): earlier[result]
      }
    }
  }

  /// What is live during each node of a module behind the last one.
  ///
  /// - Parameters:
  ///   - own: indices of its blocks.
  ///   - wantedBehind: blocks that live on behind it.
  private func live(
    _ fragment: ProgramFragment, _ own: [Int], _ extended: [Extended], wantedBehind: Set<Int>
  ) -> [MemoryBreakdown] {
    let end = fragment.nodeCount - 1
    var changes = [MemoryBreakdown](repeating: MemoryBreakdown(), count: fragment.nodeCount + 1)
    func add(_ byteCount: Int, _ category: MemoryCategory, _ nodes: ClosedRange<Int>) {
      changes[nodes.lowerBound][category] += byteCount
      changes[nodes.upperBound + 1][category] -= byteCount
    }
    for (block, index) in zip(fragment.blocks, own) {
      let last = wantedBehind.contains(index) ? end : block.nodes.upperBound
      add(block.byteCount, block.category, block.nodes.lowerBound...last)
    }
    var before = extended
    if wantedBehind.contains(Self.labels), !extended.contains(where: { $0.index == Self.labels }) {
      before.append((Self.labels, end))
    }
    for (index, last) in before where index < categories.count {
      add(layout.byteCount(of: index), categories[index], 0...(wantedBehind.contains(index) ? end : last))
    }
    var live = keptBytes
    return changes.dropLast().map { change in
      live += change
      return live
    }
  }

  /// The first node of most live bytes.
  private func note(_ live: [MemoryBreakdown], into peak: inout MemoryBreakdown, _ node: inout Int) {
    for (index, breakdown) in live.enumerated() where breakdown.total > peak.total {
      (peak, node) = (breakdown, nodeCount + index)
    }
  }
}
