internal import CostModel
internal import Execution
internal import GraphIR
internal import Planning
internal import Text

extension ProfileText {
  /// What `summary.json` of a run says of its profile; nil where the run was not profiled, or has no summary yet.
  package static func kept(in folder: String) throws(RunStatusError) -> ProfileText? {
    guard let summary = try RunDirectory.summaryIfThere(in: folder) else { return nil }
    guard let profile = summary["profile"] else { return nil }
    guard let text = ProfileText(json: profile) else {
      throw .malformed(
        path: "\(folder)/\(RunDirectory.summaryName)", offset: 0, expected: "a run's profile",
        found: "something else")
    }
    return text
  }

  /// From what `json` wrote of a run.
  private init?(json: JSON) {
    let elements = json["operations"]?.elements ?? []
    let rows = elements.compactMap { Profile.Row(json: $0) }
    guard rows.count == elements.count, let seconds = json["seconds"]?.double,
      let preparationSeconds = json["preparationSeconds"]?.double, let stepCount = json["steps"]?.integer,
      json["otherSeconds"]?.double != nil
    else { return nil }
    var roofline: RooflineFigures?
    if let stated = json["ceiling"], stated["from"] != nil {
      roofline = RooflineFigures(json: stated)
      if roofline == nil { return nil }
    }
    self.init(
      rows, of: .run(seconds: seconds), stepCount: stepCount, preparationSeconds: preparationSeconds,
      roofline: roofline, hasEstimates: elements.contains { $0["plannedSeconds"]?.double != nil })
  }
}

extension ProfileText.RooflineFigures {
  fileprivate init?(json: JSON) {
    guard let gigaflops = json["gigaflopsPerSecond"]?.double,
      let gigabytes = json["gigabytesPerSecond"]?.double,
      let source = json["from"]?.string.flatMap(Roofline.Source.init(rawValue:))
    else { return nil }
    self.init(gigaflopsPerSecond: gigaflops, gigabytesPerSecond: gigabytes, source: source)
  }
}

extension Profile.Row {
  fileprivate init?(json: JSON) {
    guard let module = json["module"]?.integer, let operation = json["operation"]?.string,
      let activity = ProgramRole.allCases.first(where: { $0.words == json["for"]?.string }),
      let nodeCount = json["nodes"]?.integer, let seconds = json["seconds"]?.double,
      let multiplyAdds = json["macs"]?.integer, let executed = json["executedMacs"]?.integer,
      let byteCount = json["bytes"]?.integer
    else { return nil }
    var figures = Profile.Figures()
    figures.seconds = seconds
    figures.multiplyAdds = multiplyAdds
    figures.executed = ExecutedWork(multiplyAdds: executed, byteCount: byteCount)
    figures.rooflineSeconds = (json["share"]?.double ?? 0) * max(seconds, 1e-9)
    figures.estimatedSeconds = json["plannedSeconds"]?.double ?? 0
    self.init(
      activity: activity, module: module, operation: operation, nodeCount: nodeCount, figures: figures)
  }
}
