/// What a data source says of itself: the defaults of `network.input` and `network.classes`, and how much there is.
package struct DataSourceFacts: Hashable, Sendable {
  package var input: ImageShape
  package var classes: Int
  package var trainCount: Int
  package var testCount: Int
}

extension DataSource {
  /// Nil where only the files know. What is made up (`synthetic`) can be had in any other shape and number.
  package var facts: DataSourceFacts? {
    switch self {
    case .digits:
      DataSourceFacts(
        input: ImageShape(channels: 1, height: 8, width: 8), classes: 10, trainCount: 1437, testCount: 360)
    case .synthetic:
      DataSourceFacts(
        input: ImageShape(channels: 3, height: 32, width: 32), classes: 10, trainCount: 1024, testCount: 256
      )
    case .cifar10:
      DataSourceFacts(
        input: ImageShape(channels: 3, height: 32, width: 32), classes: 10, trainCount: 50_000,
        testCount: 10_000)
    case .cifar100:
      DataSourceFacts(
        input: ImageShape(channels: 3, height: 32, width: 32), classes: 100, trainCount: 50_000,
        testCount: 10_000)
    case .idx, .npy, .imageFolder: nil
    }
  }

  /// Images come in whatever shape, classes and number the spec asks for.
  package var isMadeUp: Bool { self == .synthetic }
}

extension DataSpec {
  /// How many images there are to train on; nil where only the files know.
  package var trainCount: Int? { count(\.trainCount, limit: trainLimit) }
  /// Likewise to test with.
  package var testCount: Int? { count(\.testCount, limit: testLimit) }

  private func count(_ there: KeyPath<DataSourceFacts, Int>, limit: Spanned<Int>?) -> Int? {
    guard let facts = source.value.facts else { return nil }
    guard let limit else { return facts[keyPath: there] }
    return source.value.isMadeUp ? limit.value : min(limit.value, facts[keyPath: there])
  }
}
