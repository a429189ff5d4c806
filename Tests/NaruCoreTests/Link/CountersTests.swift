// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import Testing

@testable import NaruCore

@Suite struct CountersTests {
    @Test func whatCompressionSavedIsTheDifference() {
        var counters = Counters()
        (counters.bytesSent, counters.wireBytesSent) = (1000, 300)
        (counters.bytesReceived, counters.wireBytesReceived) = (50, 61)
        #expect(counters.bytesSavedSending == 700)
        #expect(counters.bytesSavedReceiving == -11)
        counters.compressionNanoseconds = 5
        counters.messagesIncompressible = 2
        let text = counters.description
        #expect(text.contains("700 bytes saved sending") && text.contains("5 ns compressing"))
        #expect(text.contains("2 messages incompressible"))
        #expect(!text.contains("saved receiving"), "what was not saved is not told")
    }

    @Test func everyWordHasItsPlaceInTheSnapshot() {
        let words = CounterWords()
        for (index, word) in CounterWords.Word.allCases.enumerated() { words.add(word, index + 1) }
        let counters = words.snapshot
        #expect(counters.messagesSent == 1 && counters.violations == 9)
        #expect(counters.messagesIncompressible == words.value(.messagesIncompressible))
        #expect(counters.compressionNanoseconds == words.value(.compressionNanoseconds))
        #expect(counters.decompressionNanoseconds == UInt64(CounterWords.Word.allCases.count))
    }
}
