package import Diagnostics
package import Pipeline
package import Planning

extension DecodedSpec {
  /// The plan with its modules on so many ranks, cut by multiply-adds.
  package func ranked(
    _ count: Int, threads: Int = 2, facts: DataFacts = facts(images: 64)
  ) throws(SpecFaults) -> Plan {
    var plan = try plan(threads: threads, facts: facts)
    var compiler = try rankCompiler(plan, count)
    plan.ranks = compiler.ranks(compiler.groups(compiler.costs(), count: count))
    return plan
  }

  /// - Parameter plan: of the spec.
  package func rankCompiler(_ plan: Plan, _ count: Int) throws(SpecFaults) -> RankCompiler {
    do {
      return try RankCompiler(LoweredSpec(spec), plan, count: count)
    } catch {
      throw SpecFaults(error.diagnostics, texts: texts)
    }
  }

  /// The graphs of one rank as `strata ir` prints them.
  package func rankText(_ rank: RankPlan, of plan: Plan) throws(SpecFaults) -> String {
    do {
      return text(
        try GraphDump.all(
          ofRank: rank.rank, modules: rank.modules, RankCompiler(LoweredSpec(spec), plan, count: 1), of: spec,
          after: nil))
    } catch {
      throw SpecFaults(error.diagnostics, texts: texts)
    }
  }
}
