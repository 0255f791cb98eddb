// swift-tools-version: 6.2
import PackageDescription

// Every Swift target is held to the same rules: Swift 6, no hidden imports, no warnings.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// Targets stand in the order of the module graph, bottom up. The reference (`Operations`) and the
// kernels (`Kernels`) meet in `Subjects` only: neither can import the other.
let package = Package(
  name: "qverify",
  products: [
    .executable(name: "qverify", targets: ["qverify"]),
    // The C ABI of kernels: one header.
    .library(name: "QVerifyKernel", targets: ["QVerifyKernel"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // Exact arithmetic and number formats.
    .systemLibrary(name: "CMPFR", pkgConfig: "mpfr", providers: [.apt(["libmpfr-dev"])]),
    .target(name: "ExactArithmetic", dependencies: ["CMPFR"], swiftSettings: strict),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "Digests", dependencies: ["CCrypto"], swiftSettings: strict),
    .target(name: "NumberFormats", dependencies: ["ExactArithmetic"], swiftSettings: strict),
    .target(
      name: "CaseFormat", dependencies: ["ExactArithmetic", "NumberFormats"],
      swiftSettings: strict),
    .target(name: "Generation", swiftSettings: strict),

    // The semantics: prose clauses and dialects as data, embedded so that the binary needs no files.
    .target(
      name: "Specifications", path: "specs",
      exclude: [
        "accumulate.md", "affine.md", "dialects.md", "formats.md", "gradients.md", "guides",
        "proof.md", "requantize.md", "rounding.md", "special-values.md",
      ],
      sources: ["Specifications.swift"], resources: [.embedInCode("dialects")],
      swiftSettings: strict),

    // The reference.
    .target(
      name: "Operations",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Specifications",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),

    // Our own kernels, in C with run-time dispatch, and their Swift face.
    .target(name: "CKernels"),
    .target(name: "Kernels", dependencies: ["CKernels"], swiftSettings: strict),

    // How anybody's kernel is attached: a header without dependencies.
    .target(name: "QVerifyKernel"),
    .target(
      name: "Adapters", resources: [.embedInCode("texts")], swiftSettings: strict),

    // What judges: subjects in guarded memory, verdicts, campaigns, golden files.
    .target(name: "CHarness"),
    .target(
      name: "Verification",
      dependencies: [
        "CHarness", "Digests", "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation",
        "Operations",
      ],
      swiftSettings: strict),
    .target(
      name: "Fuzzing",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Operations",
        "Verification",
      ],
      swiftSettings: strict),
    // Every input of a domain: exact answers, sweeps, certificates.
    .target(
      name: "Proving",
      dependencies: [
        "Digests", "ExactArithmetic", "NumberFormats", "CaseFormat", "Operations", "Verification",
      ],
      swiftSettings: strict),
    // Kernels with one fault each, and how soon a campaign finds it.
    .target(
      name: "Mutants",
      dependencies: [
        "NumberFormats", "CaseFormat", "Generation", "Operations", "Verification", "Fuzzing",
      ],
      swiftSettings: strict),
    .target(
      name: "Reporting",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Operations",
        "Verification", "Fuzzing", "Mutants",
      ],
      swiftSettings: strict),
    .target(
      name: "Golden",
      dependencies: ["ExactArithmetic", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "Subjects",
      dependencies: [
        "Digests", "NumberFormats", "CaseFormat", "Operations", "Verification", "Kernels",
        "QVerifyKernel",
      ],
      swiftSettings: strict),

    .executableTarget(
      name: "qverify",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Operations",
        "Verification", "Fuzzing", "Proving", "Reporting", "Mutants", "Golden", "Subjects",
        "Kernels", "Adapters", "Digests",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    .testTarget(
      name: "ExactArithmeticTests", dependencies: ["ExactArithmetic"], swiftSettings: strict),
    .testTarget(
      name: "NumberFormatsTests", dependencies: ["NumberFormats", "ExactArithmetic"],
      swiftSettings: strict),
    .testTarget(
      name: "CaseFormatTests", dependencies: ["CaseFormat", "ExactArithmetic", "NumberFormats"],
      swiftSettings: strict),
    .testTarget(name: "GenerationTests", dependencies: ["Generation"], swiftSettings: strict),
    .testTarget(
      name: "OperationsTests",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Operations",
        "Specifications",
      ], swiftSettings: strict),
    .testTarget(
      name: "FuzzingTests",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Operations",
        "Verification", "Fuzzing",
      ], swiftSettings: strict),
    .testTarget(
      name: "ProvingTests",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Operations",
        "Verification", "Proving", "Subjects", "Kernels", "Mutants",
      ], swiftSettings: strict),
    .testTarget(
      name: "ReportingTests",
      dependencies: [
        "NumberFormats", "CaseFormat", "Generation", "Operations", "Verification", "Fuzzing",
        "Reporting",
      ], swiftSettings: strict),
    .testTarget(
      name: "MutantsTests",
      dependencies: [
        "CaseFormat", "Generation", "Operations", "Verification", "Fuzzing", "Mutants",
      ], swiftSettings: strict),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels"], exclude: ["neon"], swiftSettings: strict),
    .testTarget(
      name: "CLITests", dependencies: ["qverify"], exclude: ["help", "kernels"],
      swiftSettings: strict),
    .testTarget(
      name: "AdapterTests",
      dependencies: [
        "ExactArithmetic", "NumberFormats", "CaseFormat", "Generation", "Adapters", "qverify",
      ], exclude: ["python"], swiftSettings: strict),
    .testTarget(name: "TidyTests", dependencies: ["Operations"], swiftSettings: strict),
    .testTarget(name: "VerificationTests", dependencies: ["Verification"], swiftSettings: strict),
    .testTarget(
      name: "GoldenTests", dependencies: ["Golden", "ExactArithmetic"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
