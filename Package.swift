// swift-tools-version: 6.3
// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import PackageDescription

/// Every target: Swift 6, strict memory safety as errors, views and loans that return spans.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatWarning("StrictMemorySafety", as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library target under `Sources`.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A plugin: one folder under `Plugins`, one module, one mechanism. It sees the core, the system layer and shared
/// modules.
func plugin(
    _ folder: String, _ shared: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .target(
        name: "Naru\(folder)", dependencies: ["NaruCore", "NaruSystem"] + shared, path: "Plugins/\(folder)",
        exclude: exclude, swiftSettings: settings)
}

/// A sample: a small program on the public API only.
func sample(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["Naru"], path: "Samples/\(name)", exclude: ["README.md"], swiftSettings: settings)
}

/// The tests of a module.
func tests(_ module: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(module)Tests", dependencies: [.byName(name: module)] + dependencies, swiftSettings: settings)
}

/// The fuzz targets: a test that replays their corpus, or with `NARU_FUZZ=1` in the environment the program that
/// `make fuzz` builds, instrumented and linked with libFuzzer.
func fuzzing(_ dependencies: [Target.Dependency]) -> [Target] {
    guard Context.environment["NARU_FUZZ"] == "1" else {
        return [
            .testTarget(
                name: "FuzzTests", dependencies: dependencies, path: "Tests/Fuzz",
                exclude: ["Corpus", "Engine", "Program", "fuzz.sh"], sources: ["Targets", "Replay"],
                swiftSettings: settings)
        ]
    }
    return [
        .target(
            name: "NaruFuzzTargets", dependencies: dependencies, path: "Tests/Fuzz/Targets", swiftSettings: settings),
        .target(name: "CFuzzEngine", path: "Tests/Fuzz/Engine"),
        .executableTarget(
            name: "NaruFuzz", dependencies: ["NaruFuzzTargets", "NaruSystem", "CFuzzEngine"],
            path: "Tests/Fuzz/Program", swiftSettings: settings),
    ]
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "naru",
    products: [
        .library(name: "Naru", targets: ["Naru"]),
        .library(name: "NaruCore", targets: ["NaruCore"]),
        .library(name: "NaruConformance", targets: ["NaruConformance"]),
        .executable(name: "naru", targets: ["NaruCLI"]),
        .executable(name: "Producer", targets: ["Producer"]),
        .executable(name: "Consumer", targets: ["Consumer"]),
        .executable(name: "OneProcess", targets: ["OneProcess"]),
        .executable(name: "ParentChild", targets: ["ParentChild"]),
        .executable(name: "WorkQueue", targets: ["WorkQueue"]),
    ],
    traits: [
        .trait(name: "Zstd", description: "The zstd codec; needs libzstd and its header."),
        .default(enabledTraits: ["Zstd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.3"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(name: "CNaruSystem", cSettings: [.define("_GNU_SOURCE")]),
        module("NaruSystem", ["CNaruSystem"]),
        module("NaruCore", ["NaruSystem", logging]),
        module("NaruRing", ["NaruCore", "NaruSystem"]),
        module("NaruStream", ["NaruCore", "NaruSystem"]),
        module("NaruConformance", ["NaruCore", "NaruSystem", logging]),

        plugin("InProcess"),
        plugin("SharedMemory", ["NaruRing"]),
        plugin("UnixSocket", ["NaruStream"]),
        plugin("TCP", ["NaruStream"]),
        plugin("MessageQueue", ["NaruRing"]),
        plugin("Semaphore"),
        plugin("AnonymousPipe", ["NaruStream"]),
        plugin("NamedPipe", ["NaruStream"]),
        .systemLibrary(name: "CZstd", path: "Plugins/Zstd/CZstd"),
        plugin("Zstd", [.target(name: "CZstd", condition: .when(traits: ["Zstd"]))], exclude: ["CZstd"]),

        module(
            "Naru",
            [
                "NaruCore", "NaruSystem", "NaruInProcess", "NaruSharedMemory", "NaruUnixSocket", "NaruTCP",
                "NaruAnonymousPipe", "NaruNamedPipe", "NaruMessageQueue", "NaruSemaphore",
                .target(name: "NaruZstd", condition: .when(traits: ["Zstd"])),
                .product(name: "Configuration", package: "swift-configuration"), logging,
            ]),
        .executableTarget(
            name: "NaruCLI",
            dependencies: [
                "Naru", "NaruSystem", arguments, logging, .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),

        sample("Producer"),
        sample("Consumer"),
        sample("OneProcess"),
        sample("ParentChild"),
        sample("WorkQueue"),

        tests("NaruSystem"),
        tests("NaruCore", ["NaruSystem", logging]),
        tests("NaruRing", ["NaruCore", "NaruSystem"]),
        tests("NaruStream", ["NaruCore", "NaruSystem"]),
        tests("NaruInProcess", ["NaruCore", "NaruSystem", "NaruConformance"]),
        tests("NaruSharedMemory", ["NaruCore", "NaruSystem", "NaruRing", "NaruConformance"]),
        tests("NaruUnixSocket", ["NaruCore", "NaruSystem", "NaruStream", "NaruConformance"]),
        tests("NaruTCP", ["NaruCore", "NaruSystem", "NaruStream", "NaruConformance", logging]),
        tests("NaruMessageQueue", ["NaruCore", "NaruSystem", "NaruConformance", logging]),
        tests("NaruSemaphore", ["NaruCore", "NaruSystem", "NaruConformance", logging]),
        tests("NaruAnonymousPipe", ["NaruCore", "NaruSystem", "NaruStream", "NaruConformance"]),
        tests("NaruNamedPipe", ["NaruCore", "NaruSystem", "NaruStream", "NaruConformance"]),
        tests("NaruZstd", ["NaruCore"]),
        tests("NaruConformance", ["NaruCore", "NaruSystem", logging]),
        tests(
            "NaruCLI",
            ["Naru", "NaruSystem", arguments, .product(name: "Configuration", package: "swift-configuration")]),
        .testTarget(
            name: "HostilePeerTests",
            dependencies: ["NaruCore", "NaruSystem", "NaruInProcess", "NaruSharedMemory", "NaruUnixSocket", logging],
            swiftSettings: settings),
        .target(name: "CIntegrationPeer", path: "Tests/CIntegrationPeer"),
        .executableTarget(
            name: "NaruIntegrationPeer", dependencies: ["Naru", "NaruSystem", "CIntegrationPeer"],
            path: "Tests/IntegrationPeer",
            swiftSettings: settings),
        .executableTarget(
            name: "NaruKills", dependencies: ["Naru", "NaruSystem", logging], path: "Tests/Kills",
            swiftSettings: settings),
        .target(name: "CSweepTracer", path: "Tests/SweepTracer"),
        .executableTarget(
            name: "NaruSweep", dependencies: ["Naru", "NaruSystem", "NaruConformance", "CSweepTracer"],
            path: "Tests/Sweep", swiftSettings: settings),
        .executableTarget(
            name: "NaruFlipper",
            dependencies: ["Naru", "NaruSystem", "NaruCore", "NaruRing", "NaruSharedMemory", logging],
            path: "Tests/Flipper", swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "NaruSystem", "NaruConformance", "NaruIntegrationPeer", "NaruKills", "NaruSweep", "NaruFlipper",
                "NaruCLI",
                "ParentChild", "WorkQueue",
            ],
            swiftSettings: settings),
        tests(
            "Naru",
            ["NaruCore", "NaruSystem", .product(name: "Configuration", package: "swift-configuration"), logging]),
    ]
        + fuzzing([
            "Naru", "NaruCore", "NaruSystem", "NaruRing", "NaruStream", "NaruSharedMemory", "NaruUnixSocket", "NaruTCP",
            "NaruAnonymousPipe", "NaruNamedPipe", "NaruMessageQueue", "NaruZstd",
        ])
)
