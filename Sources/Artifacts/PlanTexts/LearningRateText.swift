internal import Planning
internal import Text

/// The learning rate over the epochs of each module, in documents and on pages.
struct LearningRateText {
  private let courses: [LearningRateCourse]

  init(_ plan: Plan) { courses = LearningRateCourse.all(of: plan.training) }

  /// One object for all modules that learn alike: `rates[i]` holds from `epochs[i]` on, of a module's own epochs.
  var json: JSON {
    .array(
      courses.map { course in
        .object([
          ("modules", .array(course.modules.map { .integer($0) })), ("of", .integer(course.epochs)),
          ("epochs", .array(course.changes.map { .integer($0.epoch) })),
          ("rates", .array(course.changes.map { .number(plainRate($0.rate)) })),
          ("isThinned", .bool(course.isThinned)),
        ])
      })
  }

  var chart: LineChart {
    LineChart(
      title: "learning rate", xTitle: "epoch of the module",
      series: courses.enumerated().map { index, course in
        let noun = course.modules.count == 1 ? "module" : "modules"
        return LineChart.Series("\(noun) \(rangeText(course.modules))", place: index, points(of: course))
      }, yLabel: { rateText($0) })
  }

  /// A rate stays until it changes: a step has two points, not a slope over the epochs between.
  private func points(of course: LearningRateCourse) -> [LineChart.Point] {
    var points: [LineChart.Point] = []
    for change in course.changes {
      if let last = points.last, last.x < Double(change.epoch - 1) {
        points.append(LineChart.Point(x: Double(change.epoch - 1), y: last.y))
      }
      points.append(LineChart.Point(x: Double(change.epoch), y: change.rate))
    }
    if let last = points.last, last.x < Double(course.epochs) {
      points.append(LineChart.Point(x: Double(course.epochs), y: last.y))
    }
    return points
  }
}
