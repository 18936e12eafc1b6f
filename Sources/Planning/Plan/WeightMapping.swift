package import GraphIR

/// The stored weights that a network starts from.
package struct WeightMapping: Hashable, Sendable {
  /// A tensor of the file, and the plan's tensor that it fills.
  package struct Tensor: Hashable, Sendable {
    package var stored: String
    package var name: String

    package init(stored: String, name: String) {
      self.stored = stored
      self.name = name
    }
  }

  /// As the spec has it.
  package var path: String
  /// Of the weights file.
  package var sha256: String
  /// In the order of the plan's tensors.
  package var tensors: [Tensor]
  /// Frozen modules whose classifier the file does not have: nobody can tell what they know, and the model file does not
  /// keep what was drawn in its place.
  package var unsolved: [Int]

  package init(path: String, sha256: String, tensors: [Tensor], unsolved: [Int]) {
    self.path = path
    self.sha256 = sha256
    self.tensors = tensors
    self.unsolved = unsolved
  }
}

/// A weights file as far as planning needs to know it.
package struct StoredWeights: Hashable, Sendable {
  package struct Tensor: Hashable, Sendable {
    package var name: String
    /// In the file, where that is another one: of a network that another program has named.
    package var nameInFile: String?
    /// In PyTorch's order.
    package var shape: [Int]
    /// Nil for floats; of what can't be read as such, the type's name in the file.
    package var foreignType: String?

    package init(name: String, nameInFile: String? = nil, shape: [Int], foreignType: String? = nil) {
      self.name = name
      self.nameInFile = nameInFile
      self.shape = shape
      self.foreignType = foreignType
    }
  }

  /// For messages: as it was opened.
  package var path: String
  package var sha256: String
  package var tensors: [Tensor]
  /// Names of tensors that hold infinities, or what is no number.
  package var notFinite: Set<String>
  /// Names of tensors with finite numbers that 32-bit floats do not reach.
  package var tooLarge: Set<String>
  /// As far as the file tells; files of other programs do not.
  package var wiring: NetworkWiring

  package init(
    path: String, sha256: String, tensors: [Tensor], notFinite: Set<String> = [],
    tooLarge: Set<String> = [], wiring: NetworkWiring = NetworkWiring()
  ) {
    self.path = path
    self.sha256 = sha256
    self.tensors = tensors
    self.notFinite = notFinite
    self.tooLarge = tooLarge
    self.wiring = wiring
  }
}

/// Where a compilation learns what `network.from` names.
package enum StartSource: Hashable, Sendable {
  case file(StoredWeights)
  /// A plan that was made from the file, and is compiled again.
  case plan(WeightMapping)
}
