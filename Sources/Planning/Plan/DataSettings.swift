/// What the data is, as the plan knows it.
package struct DataSettings: Hashable, Sendable {
  package enum Source: String, Hashable, Sendable {
    case digits, synthetic, cifar10, cifar100, idx, npy
    case imageFolder = "image-folder"
  }

  package var source: Source
  /// As it is to be opened; nil for built-in data.
  package var path: String?
  package var trainLimit: Int?
  package var testLimit: Int?
  package var padCrop: Int
  package var flipHorizontal: Bool
  package var cutout: Int
  /// How files become images; nil for other sources than image folders.
  package var files: Files?

  package struct Files: Hashable, Sendable {
    /// The shorter side before the crop.
    package var resize: Int
    package var decodesScaled: Bool

    package init(resize: Int, decodesScaled: Bool) {
      self.resize = resize
      self.decodesScaled = decodesScaled
    }
  }

  /// Per channel; nil for the source's own.
  package var mean: [Double]?
  package var standardDeviation: [Double]?
  package var facts: DataFacts

  package init(
    source: Source, path: String?, trainLimit: Int?, testLimit: Int?, padCrop: Int, flipHorizontal: Bool,
    cutout: Int = 0, files: Files? = nil, mean: [Double]?, standardDeviation: [Double]?, facts: DataFacts
  ) {
    self.source = source
    self.path = path
    self.trainLimit = trainLimit
    self.testLimit = testLimit
    self.padCrop = padCrop
    self.flipHorizontal = flipHorizontal
    self.cutout = cutout
    self.files = files
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.facts = facts
  }

  /// `(pixel / scale - mean) / standardDeviation` is what a network reads, one mean and deviation a channel; nil where neither
  /// the spec nor the source tells them.
  package var normalization: (mean: [Float], standardDeviation: [Float])? {
    if let mean, let standardDeviation {
      return (mean.map { Float($0) }, standardDeviation.map { Float($0) })
    }
    return facts.images.map { ($0.mean, $0.standardDeviation) }
  }
}

/// What is known of a data set before a run.
package struct DataFacts: Hashable, Sendable {
  package var trainCount: Int
  package var testCount: Int
  /// What the set keeps resident outside the arena.
  package var residentBytes: Int
  /// And for each thread: where images are decoded for every batch.
  package var residentBytesPerThread = 0
  /// What opening the set takes beside that, and gives back before the arena is mapped; nil where it takes nothing.
  package var opening: Share?

  /// The same where images are read anew for every batch; nil where they do not lie in files.
  package var streamed: Share?

  /// Memory that hangs on the number of threads.
  package struct Share: Hashable, Sendable {
    package var byteCount: Int
    package var byteCountPerThread: Int

    package func byteCount(threads: Int) -> Int { byteCount + threads * byteCountPerThread }

    package init(byteCount: Int, byteCountPerThread: Int) {
      self.byteCount = byteCount
      self.byteCountPerThread = byteCountPerThread
    }
  }

  /// What the set keeps resident outside the arena, however it is held.
  package func residentBytes(_ data: PlanChoices.DataHolding, threads: Int) -> Int {
    switch data {
    case .resident: residentBytes + threads * residentBytesPerThread
    case .streamed:
      streamed.map { $0.byteCount(threads: threads) } ?? residentBytes + threads * residentBytesPerThread
    }
  }

  /// What opening the set takes beyond an arena of that size, which comes in its place: part of the process's peak.
  package func openingBytes(_ data: PlanChoices.DataHolding, threads: Int, beyond arenaBytes: Int) -> Int {
    guard let opening else { return 0 }
    // Where images stay in files, none is decoded at the start.
    return max(0, opening.byteCount(threads: data == .resident ? threads : 0) - arenaBytes)
  }

  /// Nil where planned without the data.
  package var fingerprint: String?
  /// Nil where nobody has asked the source.
  package var images: Images?

  /// How stored images become a network's input, and what the classes are called.
  package struct Images: Hashable, Sendable {
    /// A stored pixel is divided by it before it is normalised.
    package var pixelScale: Int
    /// The source's own, one a channel; a spec may say otherwise.
    package var mean, standardDeviation: [Float]
    /// By label, where the source defines them.
    package var classNames: [String]?

    package init(pixelScale: Int, mean: [Float], standardDeviation: [Float], classNames: [String]?) {
      self.pixelScale = pixelScale
      self.mean = mean
      self.standardDeviation = standardDeviation
      self.classNames = classNames
    }
  }

  package init(
    trainCount: Int, testCount: Int, residentBytes: Int, streamed: Share? = nil, fingerprint: String?,
    images: Images? = nil
  ) {
    self.trainCount = trainCount
    self.testCount = testCount
    self.residentBytes = residentBytes
    self.streamed = streamed
    self.fingerprint = fingerprint
    self.images = images
  }
}
