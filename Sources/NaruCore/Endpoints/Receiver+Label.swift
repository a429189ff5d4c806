// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

extension Receiver {
    /// The label of the message that was lent last, also inside the closure it is lent to. The plain one where the
    /// link's medium does not sort its messages.
    public var label: MessageLabel { link.isForked ? MessageLabel() : lane.label }

    /// Which messages this end is given from now on. A message that was lent and not taken comes first all the same.
    /// - Throws: ``NaruError/Code/unsupported`` where the link's medium gives messages in its own order only,
    ///   ``NaruError/Code/invalidArgument`` for a type below 1.
    public func select(_ selection: MessageSelection) throws(NaruError) {
        if link.isForked { throw link.forked("select") }
        try lane.select(selection)
    }
}
