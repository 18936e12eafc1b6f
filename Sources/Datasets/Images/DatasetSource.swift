/// Channels, height and width of an image.
package struct ImageDimensions: Hashable, Sendable {
  package let channels, height, width: Int

  package init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  /// Numbers an image has.
  /// - Precondition: fits an `Int`; sources check it before anything else.
  package var elementCount: Int { channels * height * width }
}

/// Which of a data set's two parts.
package enum DatasetSplit: UInt32, Hashable, Sendable, CaseIterable {
  case train, test
}

/// Where images come from.
package enum DatasetSource: Hashable, Sendable {
  /// The 1,797 hand-written digits that are built in.
  case digits
  /// Made up on demand; nothing is read, nothing is kept.
  case synthetic(SyntheticImages)
  /// The folder that holds `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
  case cifar10(folder: String)
  /// The folder that holds `train.bin` and `test.bin`.
  case cifar100(folder: String)
  /// The folder that holds MNIST's four files, unpacked, or files of other images in their format.
  case idx(folder: String)
  /// The folder that holds `train_images.npy`, `train_labels.npy`, `test_images.npy` and `test_labels.npy`.
  case npy(folder: String)
  /// Folders of image files, one a class.
  case imageFolder(ImageFolder)

  /// The word of the spec language.
  package var name: String {
    switch self {
    case .digits: "digits"
    case .synthetic: "synthetic"
    case .cifar10: "cifar10"
    case .cifar100: "cifar100"
    case .idx: "idx"
    case .npy: "npy"
    case .imageFolder: "image-folder"
    }
  }
}

/// How many images of each part are used: the first so many. Nil: all of them.
package struct DatasetLimit: Hashable, Sendable {
  package let train, test: Int?

  /// - Precondition: a limit is at least 1.
  package init(train: Int? = nil, test: Int? = nil) {
    precondition((train ?? 1) >= 1 && (test ?? 1) >= 1, "the spec's decoder takes limits from 1")
    self.train = train
    self.test = test
  }
}

/// `(pixel - mean) / standardDeviation`, one of each a channel, on the scale where pixels run from 0 to 1.
package struct Normalization: Hashable, Sendable {
  package let mean, standardDeviation: [Float]

  /// - Precondition: as many means as deviations, and no deviation of zero.
  package init(mean: [Float], standardDeviation: [Float]) {
    precondition(mean.count == standardDeviation.count, "one mean and one deviation a channel")
    precondition(standardDeviation.allSatisfy { $0 > 0 }, "a deviation is positive")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// The same for every channel.
  package init(mean: Float, standardDeviation: Float, channels: Int) {
    self.init(
      mean: .init(repeating: mean, count: channels),
      standardDeviation: .init(repeating: standardDeviation, count: channels))
  }
}

/// What is known of a data set before its images are read.
package struct DatasetFacts: Hashable, Sendable {
  package let imageShape: ImageDimensions
  package let classCount: Int
  /// Images used, after the limit.
  package let trainCount, testCount: Int
  /// Images there are.
  package let availableTrainCount, availableTestCount: Int
  /// What the loaded data set keeps resident: pixels and labels, to the byte.
  package let residentByteCount: Int
  /// By label, where the source defines them.
  package let classNames: [String]?
  /// The source's own, used unless a spec says otherwise.
  package let normalization: Normalization
  /// What a stored pixel is divided by before it is normalised: the largest byte there is; 1 where pixels are floats.
  package var pixelScale = 255

  package func count(_ split: DatasetSplit) -> Int {
    switch split {
    case .train: trainCount
    case .test: testCount
    }
  }
}
