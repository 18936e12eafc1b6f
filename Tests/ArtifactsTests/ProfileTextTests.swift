import Artifacts
import Testing
import Text

@Suite("Profiles that a run's summary keeps") struct ProfileTextTests {
  private static let figures = #""macs":10,"executedMacs":8,"bytes":64"#

  /// As a run writes it, but for spaces.
  private static func profile(roofline: String, share: String, planned: String) -> String {
    func members(_ seconds: String) -> String {
      #""seconds":\#(seconds),\#(figures),"share":\#(share),"plannedSeconds":\#(planned)"#
    }
    return #"{"steps":4,"seconds":2.0,"preparationSeconds":0.25,"otherSeconds":1.0,"ceiling":\#(roofline),"#
      + #""operations":[{"module":1,"for":"training","operation":"layers: relu","nodes":2,\#(members("0.5"))},"#
      + #"{"module":0,"for":"evaluation","operation":"head: linear","nodes":1,\#(members("0.25"))}],"#
      + #""modules":[{"module":0,\#(members("0.25"))},{"module":1,\#(members("0.5"))}]}"#
  }

  private static let known = profile(
    roofline: #"{"gigaflopsPerSecond":100.0,"gigabytesPerSecond":8.0,"from":"profile"}"#, share: "0.5",
    planned: "0.125")
  private static let unknown = profile(roofline: "null", share: "null", planned: "null")

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func kept(_ summary: String?) throws -> ProfileText? {
    if let summary { try folder.write(Array(summary.utf8), to: "summary.json") }
    return try ProfileText.kept(in: folder.path)
  }

  @Test("what was written is read, with roofline and without", arguments: [known, unknown])
  func roundTrip(profile: String) throws {
    let text = try #require(
      try kept(#"{"schema": "strata.summary/1", "status": "finished", "profile": \#(profile)}"#))
    #expect(JSONWriter.line(text.json) == profile)
    let words = text.text(.plain)
    #expect(words.contains("layers: relu") && words.contains("head: linear"))
    #expect(words.contains("roofline: 100 GFLOP/s") == (profile == Self.known), "\(words)")
  }

  @Test("a run that was not profiled has none, a spoilt one is no run's")
  func none() throws {
    #expect(try kept(nil) == nil)
    #expect(try kept(#"{"schema": "strata.summary/1", "status": "finished"}"#) == nil)
    for profile in ["{}", Self.known.replacing("\"nodes\":2,", with: ""), "\(Self.known)} {"] {
      #expect(throws: RunStatusError.self, "\(profile)") { try kept(#"{"profile": \#(profile)}"#) }
    }
  }
}
