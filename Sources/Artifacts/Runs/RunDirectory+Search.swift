package import Base
internal import Glibc

extension RunDirectory {
  /// How deep `runs(below:)` looks: a folder a value, and in it a folder a seed.
  private static let searchDepth = 3

  /// The runs in a folder that is none itself, as `--seeds` leaves it, in the order of their names, where 2 comes before 10.
  /// What is in a run is not looked at, nor what begins with a dot.
  package static func runs(below parent: String) throws(FileError) -> [String] {
    try runs(below: parent, depth: searchDepth)
  }

  private static func runs(below parent: String, depth: Int) throws(FileError) -> [String] {
    guard depth > 0 else { return [] }
    var found: [String] = []
    let folder = parent.hasSuffix("/") && parent.count > 1 ? String(parent.dropLast()) : parent
    let entries = try FolderDescriptor(path: folder).names().filter { !$0.hasPrefix(".") }
    for name in entries.sorted(by: isNamedBefore) {
      let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
      if holdsRun(path) {
        found.append(path)
      } else if isFolder(path) {
        // A folder that is not to be read is nobody's run.
        found += (try? runs(below: path, depth: depth - 1)) ?? []
      }
    }
    return found
  }

  /// Itself, no link to one: links may lead round in circles.
  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// `seed-2` before `seed-10`: digits that follow each other are one number.
  private static func isNamedBefore(_ a: String, _ b: String) -> Bool {
    func pieces(_ name: String) -> [(text: String, length: Int)] {
      var pieces: [(text: String, isNumber: Bool)] = []
      for character in name {
        let isNumber = character.isASCII && character.isNumber
        if let last = pieces.last, last.isNumber == isNumber {
          pieces[pieces.count - 1].text.append(character)
        } else {
          pieces.append((String(character), isNumber))
        }
      }
      return pieces.map { piece in
        let digits = piece.text.drop { $0 == "0" }
        return piece.isNumber ? (String(digits), digits.count + 1) : (piece.text, 0)
      }
    }
    for (one, other) in zip(pieces(a), pieces(b)) where one != other {
      return one.length > 0 && other.length > 0
        ? (one.length, one.text) < (other.length, other.text) : one.text < other.text
    }
    return a.count == b.count ? a < b : a.count < b.count
  }
}
