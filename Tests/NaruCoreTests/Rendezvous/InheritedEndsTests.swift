// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem
import Testing

@testable import NaruCore

/// What a process makes of the variable that names the links it inherited.
@Suite struct InheritedEndsTests {
    /// A socket as an exec would leave it: with a number and nobody's object.
    private func socket(_ kind: UnixSocket.Kind = .stream) throws -> (number: Int32, inode: UInt64, peer: Descriptor) {
        let (own, peer) = try UnixSocket.pair(kind: kind)
        let number = own.raw
        let inode = try own.status().inode
        // Never released: whoever adopts the number owns it.
        _ = unsafe Unmanaged.passRetained(own)
        return (number, inode, peer)
    }

    @Test func whatIsThereIsAdoptedOnceAndClosesOnExec() throws {
        let (number, inode, peer) = try socket()
        let value = "frames=\(number):\(inode)"
        let first = InheritedEnds.adopt(value)
        #expect(first.problems.isEmpty)
        let end = try #require(first.ends["frames"])
        #expect(InheritedEnds.adopt(value).ends["frames"] === end)
        let (taken, child) = try end.take()
        #expect(taken.raw == number)
        #expect(child == nil)
        #expect(throws: NaruError.self) { try end.take() }
        withExtendedLifetime(peer) {}
    }

    @Test func whatIsNotThereIsLeftAlone() throws {
        let (number, inode, peer) = try socket()
        let (packets, packetsInode, other) = try socket(.seqpacket)
        for value in [
            "frames=\(number):\(inode + 1)", "frames=\(number + 4000):\(inode)", "frames=\(packets):\(packetsInode)",
        ] {
            let (ends, problems) = InheritedEnds.adopt(value)
            #expect(ends.isEmpty)
            #expect(problems.count == 1, "\(value)")
        }
        // Still open.
        #expect(try Descriptor.inherited(number, inode: inode).status().inode == inode)
        withExtendedLifetime((peer, other)) {}
    }

    @Test(arguments: [
        "frames", "frames=", "frames=3", "frames=x:1", "frames=3:x", "=3:1", "Frames=3:1", "frames=0:1", "frames=-1:1",
        "frames=99999999999:1", "local:frames=3:1", "frames=3:1:1",
    ])
    func nonsenseIsAProblem(_ value: String) {
        let (ends, problems) = InheritedEnds.adopt(value)
        #expect(ends.isEmpty)
        #expect(problems.count == 1)
    }

    @Test func nothingIsNothing() {
        #expect(InheritedEnds.adopt("").ends.isEmpty)
        #expect(InheritedEnds.adopt("").problems.isEmpty)
    }
}
