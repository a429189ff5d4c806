// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// What was found out about one thing of the host.
struct Finding: Sendable {
    /// How it bears on links.
    enum Status: String, Sendable {
        /// As it should be.
        case ok
        /// Links work, with less than there could be.
        case warning
        /// Something does not work.
        case problem
    }

    /// What was looked at.
    var subject: String
    var status: Status
    /// What was seen.
    var detail: String
    /// What would lift a warning or a problem.
    var remedy: String?
    /// The numbers behind the detail, for programs.
    var values: [(String, JSON)]

    init(
        _ subject: String, _ status: Status, _ detail: String, remedy: String? = nil,
        values: [(String, JSON)] = []
    ) {
        self.subject = subject
        self.status = status
        self.detail = detail
        self.remedy = status == .ok ? nil : remedy
        self.values = values
    }

    /// The finding's row, and below it the remedy's.
    var rows: [[String]] {
        let row = ["  " + status.rawValue, subject, detail]
        return remedy.map { [row, ["", "", "to lift it: \($0)"]] } ?? [row]
    }

    var json: JSON {
        .object(
            [
                ("check", .string(subject)), ("status", .string(status.rawValue)), ("detail", .string(detail)),
                ("remedy", .optional(remedy)),
            ] + values)
    }
}
