// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// Why a transport cannot serve a request, and what would lift it.
struct Refusal {
    /// The evidence.
    let reason: String
    /// What would lift it.
    let remedy: String
    /// The default of the configuration that is the cause, where nobody asked for it.
    let cause: String?

    init(_ reason: String, remedy: String, cause: String? = nil) {
        self.reason = reason
        self.remedy = remedy
        self.cause = cause
    }
}
