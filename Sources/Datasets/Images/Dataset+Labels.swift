extension Dataset {
  /// How many images each class has, by label; labels beyond `classCount` are left out.
  package func labelCounts(_ split: DatasetSplit, classCount: Int) -> [Int] {
    if case .synthetic(let images) = source {
      let (each, rest) = count(split).quotientAndRemainder(dividingBy: images.classCount)
      return (0..<classCount).map { $0 < images.classCount ? each + ($0 < rest ? 1 : 0) : 0 }
    }
    var counts = [Int](repeating: 0, count: classCount)
    for index in 0..<count(split) {
      let label = Int(label(split, index))
      if label < classCount { counts[label] += 1 }
    }
    return counts
  }

  /// The same before any image is read; nil where labels lie among the images.
  package static func labelCounts(
    of source: DatasetSource, _ split: DatasetSplit, limit: DatasetLimit, classCount: Int
  ) throws(DatasetError) -> [Int]? {
    switch source {
    case .digits, .synthetic:
      return try Dataset(source, limit: limit).labelCounts(split, classCount: classCount)
    case .cifar10, .cifar100: return nil
    case .imageFolder(let folder):
      var counts = [Int](repeating: 0, count: classCount)
      for file in try FolderScans.scan(folder).limited(limit)[split] where file.label < classCount {
        counts[Int(file.label)] += 1
      }
      return counts
    case .idx, .npy:
      let records = try layout(of: source, limit: limit)[split]
      guard case .separate(let labels, let type) = records.labels else { return nil }
      var counts = [Int](repeating: 0, count: classCount)
      try LabelReader.forEach(
        in: try DataFile(path: labels.path), at: labels.offset, count: records.count, type: type,
        classCount: LabelReader.largestClassCount
      ) { _, label in
        if label < classCount { counts[label] += 1 }
      }
      return counts
    }
  }
}
