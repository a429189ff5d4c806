// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Naru
import Testing

/// The error that `body` throws; a failed expectation where it throws none.
func failure(
    _ location: SourceLocation = #_sourceLocation, of body: () async throws -> Void
) async -> NaruError? {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: location)
    } catch let error as NaruError {
        return error
    } catch {
        Issue.record("thrown: \(error)", sourceLocation: location)
    }
    return nil
}
