// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru

/// The label of what `send` sends.
struct SendLabelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The messages' priority, on a link that requires priority.", valueName: "number"))
    var priority: Int?

    @Option(help: ArgumentHelp("The messages' type, on a link that requires selective.", valueName: "number"))
    var type: Int?

    func validate() throws {
        if let priority, priority < 0 { throw ValidationError("--priority must not be negative") }
        if let type, type < 1 { throw ValidationError("--type must be at least 1") }
    }

    /// Sets the label, and asks for a transport that keeps it.
    var label: MessageLabel { MessageLabel(priority: priority ?? 0, type: type ?? 0) }
    /// What a transport needs to keep the label.
    var required: [String] { (priority == nil ? [] : ["priority"]) + (type == nil ? [] : ["selective"]) }
}

/// Which messages `receive` takes.
struct ReceiveSelectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Take messages of this type only, out of order.", valueName: "number"))
    var type: Int?

    @Option(help: ArgumentHelp("Take the lowest type first, up to this one.", valueName: "number"))
    var upToType: Int?

    func validate() throws {
        for (name, value) in [("--type", type), ("--up-to-type", upToType)] {
            if let value, value < 1 { throw ValidationError("\(name) must be at least 1") }
        }
        if type != nil, upToType != nil { throw ValidationError("--type and --up-to-type exclude each other") }
    }

    var selection: MessageSelection {
        if let type { return .type(type) }
        if let upToType { return .lowestType(upTo: upToType) }
        return .all
    }
    /// What a transport needs to select.
    var required: [String] { selection == .all ? [] : ["selective"] }
}

extension LinkSettings {
    /// Requires more of the transport, beside what the configuration requires; not of an object of another program.
    mutating func require(_ properties: [String], _ option: String) throws {
        if case .medium = address { return }
        let missing = properties.filter { !request.requirements.must.map(\.rawValue).contains($0) }
        guard !missing.isEmpty else { return }
        try override("require", .list(request.requirements.must.map(\.rawValue) + missing), option)
    }
}
