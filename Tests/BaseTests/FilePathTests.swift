import Base
import Testing

@Suite struct FilePathTests {
  @Test(
    "the way from a plan's folder to its spec",
    arguments: [
      ("specs/a.yaml", "generated", "../specs/a.yaml"),
      ("a.yaml", ".", "a.yaml"),
      ("a.yaml", "plans/deep", "../../a.yaml"),
      ("./specs/./a.yaml", "specs", "a.yaml"),
      ("../specs/a.yaml", "../generated", "../specs/a.yaml"),
      ("a.yaml", "../generated", "../work/a.yaml"),
      ("../a.yaml", "plans", "../../a.yaml"),
      ("/srv/me/specs/a.yaml", "/srv/me/plans", "../specs/a.yaml"),
      ("/specs/a.yaml", "plans", "/specs/a.yaml"),
      ("a.yaml", "/plans", "/srv/work/a.yaml"),
    ])
  func relativePaths(spec: String, folder: String, expected: String) {
    #expect(FilePath.relative(of: spec, from: folder, currentFolder: "/srv/work") == expected)
  }
}
