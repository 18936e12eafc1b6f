internal import Base
package import Diagnostics
internal import Execution
internal import GraphIR
internal import Operators
package import Planning
package import Text

extension Plan {
  /// The plan as programs read it and as a plan file keeps it (`strata.plan/1`). Equal plans give equal text.
  ///
  /// - Parameters:
  ///   - specPath: where the spec lies, from the plan file's folder.
  ///   - specSets: values of `--set` that were laid over the spec, `KEY=VALUE`, their paths from the spec's folder.
  ///   - options: of the command line that made the plan.
  ///   - dataPath: where the data lies: as the spec has it, or, in a run's folder, as it was opened.
  ///   - startPath: where the weights lie that the network starts from, likewise; nil: as the spec has it.
  package func json(
    specPath: String?, specSets: [String] = [], options: PlanOptions = PlanOptions(), dataPath: String?,
    startPath: String? = nil,
    places: SourcePlaces, _ comparison: PlanComparison
  ) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("schema", "strata.plan/1"),
      ("name", .string(name)),
      ("threads", .integer(threads)),
      (
        "spec",
        .object(
          [("sha256", .string(specSHA256)), ("path", .optional(specPath, JSON.string))]
            + (specSets.isEmpty ? [] : [("set", .array(specSets.map { .string($0) }))])
            + options.members
            + (extendedSpecs.isEmpty ? [] : [("extends", .array(extendedSpecs.map { .string($0) }))])
            + [("text", .string(specText))])
      ),
      (
        "data",
        .object([
          ("source", .string(data.source.rawValue)), ("path", .optional(dataPath, JSON.string)),
          ("train", .integer(data.facts.trainCount)),
          ("test", .integer(data.facts.testCount)),
          ("fingerprint", .optional(data.facts.fingerprint, JSON.string)),
        ])
      ),
    ]
    if let replay = training.replay { members.append(("replay", replay.json(ReplayCounts(self)))) }
    if let compression = training.compression { members.append(("compression", compression.json)) }
    if let start { members.append(("start", start.json(path: startPath ?? start.path))) }
    if let ranks { members += ranks.members(pipeline(ranks)) }
    members += [
      ("layoutSha256", .string(layoutSHA256)),
      (
        "network",
        .object(
          [
            ("parameters", .integer(networkParameters)), ("macs", .integer(networkMultiplyAdds)),
            ("input", .string("\(input.channels)x\(input.height)x\(input.width)")),
            ("classes", .integer(classes)),
          ] + (unnarrowed.map { [("before", $0.json)] } ?? []))
      ),
      ("batch", .integer(training.batch)),
      ("choices", choices.json),
      ("choiceEffects", .array(choiceEffects.map(\.json))),
      ("modules", .array(zip(modules, training.modules).map { $0.json($1.narrowing) })),
      ("stages", .array(stages.map { json(of: $0) })),
      ("learningRates", LearningRateText(self).json),
      ("checkpointBytes", .integer(checkpointByteCount)),
      ("memory", .object(memory.members + wholePlanMembers(places, comparison))),
      ("comparison", ComparisonText(self, comparison).json),
    ]
    return .object(members)
  }

  /// Of the canonical text of the resolved spec: what a plan file is pinned to.
  package var specSHA256: String { unsafe SHA256.hex(of: Array(specText.utf8).span.bytes) }
  package var layoutSHA256: String {
    var hash = SHA256()
    forEachLayoutLine { line in
      hash.update(line)
      hash.update("\n")
    }
    return hash.finalize()
  }

  /// All modules' layers and the head; auxiliaries not.
  package var networkParameters: Int { NetworkFigures(modules).parameters }

  package var networkMultiplyAdds: Int { NetworkFigures(modules).multiplyAdds }

  /// The operation that makes the peak, with its module and the spec's line.
  package func peakOperation(_ place: (SourceSpan) -> String) -> String {
    let node = program(peakProgram).graph.nodes[memory.peak.node]
    return "\(node.op.text) of module \(node.module), \(node.part.rawValue) (\(place(node.origin)))"
  }

  private func json(of stage: StagePlan) -> JSON {
    .object(
      [
        ("index", .integer(stage.index)),
        ("strategy", .string(training.strategy.rawValue)),
        ("modules", .array(stage.schedule.indices.map { .integer($0) })),
        ("epochs", .integer(stage.epochs)),
        ("steps", .integer(stage.epochs * stage.stepsPerEpoch)),
        ("stepsPerEpoch", .integer(stage.stepsPerEpoch)),
        ("checkpointBytes", .integer(stage.checkpointByteCount)),
        ("features", .optional(stage.features) { $0.json }),
        ("memory", .object(stage.memory.members)),
      ] + compressionMembers(of: stage))
  }

  private func compressionMembers(of stage: StagePlan) -> [(key: String, value: JSON)] {
    guard training.compression != nil else { return [] }
    let purpose = stage.schedule.purpose == .training ? "training" : "fine-tuning"
    return [
      ("purpose", .string(purpose)),
      ("narrowing", .optional(stage.narrowing) { $0.json(stage.programs[.ranking]) }),
    ]
  }

  private func wholePlanMembers(
    _ places: SourcePlaces, _ comparison: PlanComparison
  ) -> [(key: String, value: JSON)] {
    [
      ("peakStage", .optional(peakStage, JSON.integer)),
      ("peakOperation", .string(peakOperation(places.place))),
      ("endToEndPeakBytes", .optional(comparison.endToEndPeakBytes, JSON.integer)),
      ("budgetBytes", .optional(budgetBytes, JSON.integer)),
      ("attribution", PeakAttribution(self, places: places).json),
    ]
  }
}

extension ReplaySettings {
  fileprivate func json(_ counts: ReplayCounts?) -> JSON {
    .object([
      ("buffer", .integer(slots)), ("reuse", .optional(reuse, JSON.integer)),
      (
        "slow",
        .optional(slow) { .object([("module", .integer($0.module)), ("by", .number($0.factor))]) }
      ),
      ("order", .string(order.rawValue)), ("ties", .string(ties.rawValue)),
      ("atDecay", .string(clearsAtDecay ? "clear" : "keep")),
      ("events", .optional(counts) { .integer($0.events) }),
      ("feeding", .optional(counts) { .array($0.feedingCount.map { .integer($0) }) }),
      ("starved", .optional(counts) { .array($0.starvedCount.map { .integer($0) }) }),
    ])
  }
}

extension WeightMapping {
  fileprivate func json(path: String) -> JSON {
    .object([
      ("path", .string(path)), ("sha256", .string(sha256)),
      ("unsolved", .array(unsolved.map { .integer($0) })),
      (
        "tensors",
        .array(
          tensors.map { .object([("stored", .string($0.stored)), ("name", .string($0.name))]) })
      ),
    ])
  }
}

extension ChoiceEffect {
  fileprivate var json: JSON {
    .object([
      ("choice", .string(choice)), ("words", .string(words)), ("extraMacs", .number(extraWork)),
      ("results", .string(results.rawValue)),
    ])
  }
}

extension PlanChoices {
  var json: JSON {
    .object([
      ("microBatch", .optional(microBatch, JSON.integer)),
      ("recomputeAboveBytes", .optional(recomputeAboveBytes, JSON.integer)),
      ("features", .string(features.rawValue)),
      ("featureStages", .string(featureStages.rawValue)),
      ("forwardBatch", .optional(forwardBatch, JSON.integer)),
      ("data", .string(data.rawValue)),
      ("scratch", .string(scratch.rawValue)),
      ("scratchThreads", .optional(scratchThreads, JSON.integer)),
      ("modules", .optional(modules, JSON.integer)),
    ])
  }
}

extension FeaturePlan {
  /// A stage's features, in plan files and in what programs read of a plan.
  package var json: JSON {
    .object([
      ("module", .integer(module)), ("storage", .string(storage.rawValue)), ("bytes", .integer(byteCount)),
      ("bytesPerPicture", .integer(bytesPerImage)), ("pictures", .integer(imageCount)),
      ("largestBytes", .integer(largestByteCount)),
    ])
  }
}

extension CompressionSettings {
  fileprivate var json: JSON {
    .object([
      ("criterion", .string(criterion.rawValue)),
      ("pictures", criterion.readsImages ? .integer(images) : .null),
      ("fineTune", .string(tunesLayers ? "module" : "auxiliary")),
    ])
  }
}

extension NarrowingPlan {
  fileprivate func json(_ ranking: Program?) -> JSON {
    .object([
      ("module", .integer(module)), ("channels", .integer(channels)), ("width", .integer(width)),
      ("batches", .integer(batches.count)), ("arenaBytes", .optional(ranking?.arenaBytes, JSON.integer)),
    ])
  }
}

extension NetworkFigures {
  var json: JSON {
    .object([("parameters", .integer(parameters)), ("macs", .integer(multiplyAdds))])
  }
}

extension ModuleSummary {
  /// - Parameter narrowing: nil for a module that keeps its channels.
  fileprivate func json(_ narrowing: TrainingSettings.Module.Narrowing?) -> JSON {
    var members = self.members
    if let narrowing {
      members.append(
        (
          "compression",
          .object([
            ("channels", .integer(narrowing.channels)), ("width", .integer(narrowing.width)),
            ("epochs", .integer(narrowing.epochs)), ("before", .optional(beforeNarrowing) { $0.json }),
          ])
        ))
    }
    return .object(members)
  }

  private var members: [(key: String, value: JSON)] {
    [("index", .integer(index)), ("name", .string(name))] + figures.members
  }
}

extension ModuleSummary.Figures {
  fileprivate var members: [(key: String, value: JSON)] {
    [
      ("parameters", .integer(parameters)), ("macs", .integer(multiplyAdds)),
      (
        "auxiliary",
        .object([("parameters", .integer(auxiliaryParameters)), ("macs", .integer(auxiliaryMultiplyAdds))])
      ),
    ]
  }

  var json: JSON { .object(members) }
}

extension MemoryFigures {
  var members: [(key: String, value: JSON)] {
    let figures = [
      ("peakBytes", peakBytes), ("arenaBytes", arenaBytes), ("lowerBoundBytes", lowerBoundBytes),
    ]
    let categories = MemoryCategory.allCases.map { ("\($0.rawValue)Bytes", breakdown[$0]) }
    let rest = [("dataBytes", dataBytes), ("runtimeBytes", runtimeBytes)]
    return (figures + categories + rest).map { ($0.0, .integer($0.1)) }
  }
}
