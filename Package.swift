// swift-tools-version: 6.2
import PackageDescription

/// Every target but `Kernels` checks its use of unsafe memory.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
]

/// Float loops. Optimised in debug builds too, or the tests would crawl (an unoptimised kernel is up to 180 times slower), and as one
/// module, as release builds are: loops of one file are specialised for functions of another.
let kernels: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-O", "-whole-module-optimization", "-num-threads", "2"], .when(configuration: .debug)),
]

// The order of the targets is the order of the data: a target imports only what stands before it.
let package = Package(
  name: "strata",
  products: [.executable(name: "strata", targets: ["strata"])],
  targets: [
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(
      name: "Base", swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(name: "Text", swiftSettings: strict),
    .target(name: "Terminal", dependencies: ["Text"], swiftSettings: strict),
    .target(name: "Diagnostics", dependencies: ["Base", "Text"], swiftSettings: strict),
    .target(name: "SpecLanguage", dependencies: ["Diagnostics", "CLibYAML"], swiftSettings: strict),
    .target(name: "CostModel", swiftSettings: strict),
    .target(name: "GraphIR", dependencies: ["Diagnostics", "CostModel"], swiftSettings: strict),
    .target(name: "Operators", dependencies: ["GraphIR", "CostModel", "Diagnostics"], swiftSettings: strict),
    .target(
      name: "Passes", dependencies: ["GraphIR", "Operators", "CostModel", "Diagnostics"],
      swiftSettings: strict),
    .target(
      name: "Planning", dependencies: ["GraphIR", "Operators", "CostModel", "Diagnostics"],
      swiftSettings: strict),
    .target(
      name: "Pipeline",
      dependencies: [
        "Diagnostics", "SpecLanguage", "GraphIR", "Operators", "CostModel", "Passes", "Planning",
      ],
      swiftSettings: strict),
    .target(name: "Kernels", dependencies: ["COpenBLAS", "CostModel"], swiftSettings: kernels),
    .target(
      name: "Datasets", dependencies: ["Base"], exclude: ["Resources/README.md"],
      resources: [.embedInCode("Resources/digits.bin")],
      swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(
      name: "Execution",
      dependencies: ["Base", "GraphIR", "Operators", "CostModel", "Planning", "Kernels", "Datasets"],
      swiftSettings: strict),
    .target(
      name: "Artifacts",
      dependencies: [
        "Base", "Text", "Diagnostics", "Planning", "Execution", "GraphIR", "Operators", "CostModel",
        "Datasets",
      ],
      swiftSettings: strict),
    .target(
      name: "Export", dependencies: ["Base", "Text", "GraphIR", "Operators", "CostModel"],
      swiftSettings: strict),
    .target(
      name: "LanguageServer",
      dependencies: [
        "Base", "Text", "Diagnostics", "SpecLanguage", "GraphIR", "Pipeline", "Planning", "Artifacts",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "strata",
      dependencies: [
        "Base", "Text", "Terminal", "Diagnostics", "SpecLanguage", "GraphIR", "Operators", "CostModel",
        "Passes",
        "Planning", "Pipeline",
        "Kernels", "Datasets",
        "Execution", "Artifacts", "Export", "LanguageServer",
      ],
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["CostModel"], path: "Tests/TestSupport",
      swiftSettings: [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    // Counts what tests allocate, which nothing but C can see.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(
      name: "CompilerSupport",
      dependencies: [
        "Diagnostics", "SpecLanguage", "Pipeline", "Planning", "GraphIR", "Operators", "TestSupport",
      ],
      path: "Tests/CompilerSupport"),
    .testTarget(name: "BaseTests", dependencies: ["Base", "TestSupport"]),
    .testTarget(
      name: "DiagnosticsTests", dependencies: ["Diagnostics", "TestSupport"]),
    .testTarget(
      name: "SpecLanguageTests",
      dependencies: ["SpecLanguage", "Diagnostics", "CompilerSupport", "TestSupport"]),
    .testTarget(name: "KernelTests", dependencies: ["Kernels", "CostModel", "TestSupport"]),
    .testTarget(name: "GraphIRTests", dependencies: ["GraphIR", "Operators", "Diagnostics", "CostModel"]),
    .testTarget(
      name: "OperatorsTests", dependencies: ["Operators", "GraphIR", "CostModel", "Diagnostics"]),
    .testTarget(
      name: "PassesTests",
      dependencies: [
        "Passes", "GraphIR", "Operators", "Diagnostics", "Pipeline", "CompilerSupport", "TestSupport",
      ],
      exclude: ["Goldens"]),
    .testTarget(
      name: "PipelineTests",
      dependencies: [
        "Base", "Pipeline", "Diagnostics", "SpecLanguage", "GraphIR", "Operators", "CostModel", "Planning",
        "Datasets",
        "Artifacts",
        "Text", "CompilerSupport", "TestSupport",
      ]),
    .testTarget(
      name: "PlanningTests",
      dependencies: ["Planning", "GraphIR", "Operators", "CostModel", "CompilerSupport", "TestSupport"]),
    .testTarget(
      name: "ExecutionTests",
      dependencies: [
        "Execution", "Planning", "GraphIR", "Operators", "CostModel", "Datasets", "Kernels",
        "AllocationCounter",
        "CompilerSupport",
        "TestSupport",
      ]),
    .testTarget(name: "DatasetsTests", dependencies: ["Base", "Datasets", "TestSupport"]),
    .testTarget(name: "TextTests", dependencies: ["Text", "TestSupport"]),
    .testTarget(
      name: "NetworkTests",
      dependencies: [
        "Artifacts", "Diagnostics", "GraphIR", "Operators", "Pipeline", "Planning", "SpecLanguage",
        "TestSupport", "Text",
      ],
      exclude: ["Goldens", "counts.txt"]),
    .testTarget(name: "TerminalTests", dependencies: ["Terminal", "Text", "TestSupport"]),
    // Runs the program itself, which therefore has to be built first.
    .testTarget(
      name: "LanguageServerTests",
      dependencies: ["strata", "LanguageServer", "CompilerSupport", "TestSupport"]),
    .testTarget(name: "CommandTests", dependencies: ["strata", "Datasets", "TestSupport"]),
    .testTarget(
      name: "ArtifactsTests",
      dependencies: [
        "Artifacts", "Base", "Datasets", "Diagnostics", "Execution", "GraphIR", "Operators", "Pipeline",
        "Planning", "SpecLanguage", "Text",
        "CompilerSupport", "CostModel", "TestSupport",
      ]),
  ]
)
