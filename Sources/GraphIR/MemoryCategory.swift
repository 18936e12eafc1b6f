/// What memory is there for; the categories of the plan's figures.
package enum MemoryCategory: String, Hashable, Sendable, CaseIterable {
  case parameter, statistics, gradient, optimizer, activation, workspace, batch
}
