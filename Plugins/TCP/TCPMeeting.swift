// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruCore
internal import NaruSystem

/// What the plugin knows of a control connection that its rendezvous brought.
enum TCPMeeting: Meeting {
    /// This end dialed the address.
    case dialed(InetAddress)
    /// This end listens, and takes lanes' connections at the same port.
    case listened(LaneDesk)
}
