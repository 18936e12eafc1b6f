extension SpecTable {
  /// Calls `visit` for every key in the order of the table, with the dotted path of its section (`network.stages[]` for
  /// the entries of a list).
  static func walk(_ visit: (_ key: SpecKey, _ section: String, _ shape: SectionShape) -> Void) {
    walk(root, path: "", visit)
  }

  private static func walk(
    _ section: SectionShape, path: String, _ visit: (SpecKey, String, SectionShape) -> Void
  ) {
    for key in section.keys {
      visit(key, path, section)
      let keyPath = path.isEmpty ? key.name : path + "." + key.name
      for (inner, suffix) in key.shape.sections { walk(inner, path: keyPath + suffix, visit) }
    }
  }

  /// Dotted paths of the sections that have a key of this very name.
  static func sections(withKey name: String) -> [String] {
    sectionsByKey[name] ?? []
  }

  private static let sectionsByKey: [String: [String]] = {
    var result: [String: [String]] = [:]
    walk { key, section, _ in
      if result[key.name]?.contains(section) != true { result[key.name, default: []].append(section) }
    }
    return result
  }()
}

extension ValueShape {
  /// Sections inside, with what their paths append: `[]` for entries of a list.
  var sections: [(shape: SectionShape, suffix: String)] {
    switch self {
    case .section(let section): [(section, "")]
    case .list(let element, _): element.sections.map { ($0.shape, "[]" + $0.suffix) }
    case .either(let shapes): shapes.flatMap(\.sections)
    case .version, .flag, .integer, .seed, .number, .word, .name, .path, .image, .size: []
    }
  }
}
