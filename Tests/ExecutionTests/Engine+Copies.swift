import Execution
import GraphIR
import Planning

extension Engine {
  /// Another process: an engine of its own, full of other numbers, into which the resident bytes are copied.
  ///
  /// - Parameters:
  ///   - plan: that this one runs.
  ///   - other: the plan for another number of threads; nil: the same.
  func moved(_ plan: Plan, at position: RunPosition, to other: Plan? = nil) throws -> Engine {
    let other = other ?? plan
    let next = try Engine(other.memoryMap)
    next.fillWithNaN(other)
    let entries = plan.stages[position.stage - 1].resident.entries
    // A checkpoint has them in their order.
    guard other.stages[position.stage - 1].resident.entries == entries else { throw OtherLayout() }
    for entry in entries {
      let bytes = bytes(of: entry)
      next.withMutableBytes(of: entry) { span in
        span.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
      }
    }
    return next
  }

  private struct OtherLayout: Error {}

  /// Whatever counts on the zeros of a fresh arena comes to no number.
  private func fillWithNaN(_ plan: Plan) {
    var all = plan.resident.entries[0]
    (all.offset, all.value.type) = (0, .vector(plan.arenaBytes / 4))
    let numbers = [Float](repeating: .nan, count: plan.arenaBytes / 4)
    write(all, from: 0, numbers.span)
  }

  /// Of all that is resident at the end, by name.
  func finalBytes(_ plan: Plan) -> [String: [UInt8]] {
    Dictionary(uniqueKeysWithValues: plan.resident.entries.map { ($0.value.name, bytes(of: $0)) })
  }

  private func bytes(of entry: ResidentLayout.Entry) -> [UInt8] {
    withBytes(of: entry) { span in span.withUnsafeBytes { [UInt8]($0) } }
  }
}
