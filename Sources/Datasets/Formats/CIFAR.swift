/// CIFAR-10 and CIFAR-100 in their binary version (Krizhevsky: Learning multiple layers of features from tiny images,
/// 2009): records of one label (CIFAR-100: coarse, then fine) and 3x32x32 bytes, channel by channel.
enum CIFAR {
  private static let image = ImageDimensions(channels: 3, height: 32, width: 32)

  /// Touches no file.
  static func cifar10(folder: String, limit: DatasetLimit) -> RecordLayout {
    let hint =
      "the binary version of CIFAR-10 is a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin"
    return layout(
      trainFiles: (1...5).map { "\(folder)/data_batch_\($0).bin" }, testFile: "\(folder)/test_batch.bin",
      imagesPerTrainFile: 10_000, labelBytes: 1, hint: hint, limit: limit, classNames: cifar10Classes,
      normalization: Normalization(
        mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.2023, 0.1994, 0.2010]))
  }

  /// Touches no file. The fine labels are used.
  static func cifar100(folder: String, limit: DatasetLimit) -> RecordLayout {
    layout(
      trainFiles: ["\(folder)/train.bin"], testFile: "\(folder)/test.bin", imagesPerTrainFile: 50_000,
      labelBytes: 2,
      hint: "the binary version of CIFAR-100 is a folder with train.bin and test.bin", limit: limit,
      classNames: cifar100Classes,
      normalization: Normalization(
        mean: [0.5071, 0.4865, 0.4409], standardDeviation: [0.2673, 0.2564, 0.2762]))
  }

  private static func layout(
    trainFiles: [String], testFile: String, imagesPerTrainFile: Int, labelBytes: Int, hint: String,
    limit: DatasetLimit, classNames: [String], normalization: Normalization
  ) -> RecordLayout {
    let recordByteCount = labelBytes + image.elementCount
    func split(_ paths: [String], perFile: Int, limit: Int?) -> SplitRecords {
      var rest = min(limit ?? .max, paths.count * perFile)
      var files: [RecordFile] = []
      for path in paths where rest > 0 {
        let count = min(rest, perFile)
        files.append(
          RecordFile(
            path: path, fileByteCount: perFile * recordByteCount, offset: 0, recordCount: count, hint: hint))
        rest -= count
      }
      return SplitRecords(
        files: files, recordByteCount: recordByteCount, pixelOffset: labelBytes,
        labels: .inRecord(offset: labelBytes - 1))
    }
    let train = split(trainFiles, perFile: imagesPerTrainFile, limit: limit.train)
    let test = split([testFile], perFile: 10_000, limit: limit.test)
    return RecordLayout(
      facts: DatasetFacts(
        imageShape: image, classCount: classNames.count, trainCount: train.count, testCount: test.count,
        availableTrainCount: 50_000, availableTestCount: 10_000,
        residentByteCount: train.residentByteCount + test.residentByteCount, classNames: classNames,
        normalization: normalization),
      pixelFormat: .uint8(largest: 255), pixelOrder: .planar, train: train, test: test)
  }
}

private let cifar10Classes = [
  "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
]

private let cifar100Classes = [
  "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl",
  "boy",
  "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee",
  "clock",
  "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
  "forest",
  "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
  "lizard",
  "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
  "orchid",
  "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum",
  "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
  "skyscraper",
  "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
  "telephone",
  "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree",
  "wolf",
  "woman", "worm",
]
