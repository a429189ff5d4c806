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

let package = Package(
    name: "naru",
    products: [
        .library(name: "NaruCore", targets: ["NaruCore"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.3"),
    ],
    targets: [
        .target(name: "CNaruSystem", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "NaruSystem", dependencies: ["CNaruSystem"], swiftSettings: settings),
        .target(
            name: "NaruCore", dependencies: ["NaruSystem", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
    ]
)
