// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import NaruSystem

// Safe, in all of the following: the buffers are those of an array that lives through the call.

func write(_ text: String, to descriptor: Descriptor) throws(SystemError) -> IOResult {
    let bytes = Array(text.utf8)
    return unsafe try bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
        unsafe try descriptor.write(UnsafeRawBufferPointer(buffer))
    }
}

func send(_ a: String, _ b: String, to descriptor: Descriptor) throws(SystemError) -> IOResult {
    let (first, second) = (Array(a.utf8), Array(b.utf8))
    return unsafe try first.withUnsafeBufferPointer { first throws(SystemError) in
        unsafe try second.withUnsafeBufferPointer { second throws(SystemError) in
            unsafe try descriptor.send(UnsafeRawBufferPointer(first), UnsafeRawBufferPointer(second))
        }
    }
}

func read(_ descriptor: Descriptor, _ room: Int = 4096) throws(SystemError) -> (IOResult, String) {
    unsafe try filled(room) { buffer throws(SystemError) in unsafe try descriptor.read(into: buffer) }
}

func receive(_ descriptor: Descriptor, _ room: Int = 4096) throws(SystemError) -> (IOResult, String) {
    unsafe try filled(room) { buffer throws(SystemError) in unsafe try descriptor.receive(into: buffer) }
}

private func filled(
    _ room: Int, _ call: (UnsafeMutableRawBufferPointer) throws(SystemError) -> IOResult
) throws(SystemError) -> (IOResult, String) {
    var bytes = [UInt8](repeating: 0, count: room)
    let result = unsafe try bytes.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
        unsafe try call(UnsafeMutableRawBufferPointer(buffer))
    }
    guard case .bytes(let count) = result else { return (result, "") }
    return (result, String(decoding: bytes.prefix(count), as: UTF8.self))
}

func sendMessage(
    _ text: String, _ descriptors: [Descriptor], credentials: Bool = false, to socket: Descriptor
) throws(SystemError) -> IOResult {
    let bytes = Array(text.utf8)
    return unsafe try bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
        unsafe try UnixSocket.send(
            socket, UnsafeRawBufferPointer(buffer), descriptors: descriptors, credentials: credentials)
    }
}

struct ReceivedMessage {
    var result: IOResult
    var text: String
    var descriptors: [Descriptor]
    var credentials: PeerCredentials?
    var lostDescriptors: Bool
}

func receiveMessage(
    _ socket: Descriptor, room: Int = 256, maximumDescriptors: Int
) throws(SystemError) -> ReceivedMessage {
    var bytes = [UInt8](repeating: 0, count: room)
    let received = unsafe try bytes.withUnsafeMutableBufferPointer {
        buffer throws(SystemError) in
        unsafe try UnixSocket.receive(
            socket, into: UnsafeMutableRawBufferPointer(buffer), maximumDescriptors: maximumDescriptors)
    }
    var text = ""
    if case .bytes(let count) = received.result { text = String(decoding: bytes.prefix(count), as: UTF8.self) }
    return ReceivedMessage(
        result: received.result, text: text, descriptors: received.descriptors, credentials: received.credentials,
        lostDescriptors: received.lostDescriptors)
}

/// Whether a condition comes to hold, asked again and again for a minute at most.
///
/// What closing a descriptor does to its peer needs this: a program that another test starts at the same moment holds a
/// copy of every descriptor until it is loaded.
func eventually(_ condition: () throws(SystemError) -> Bool) throws(SystemError) -> Bool {
    let deadline = Deadline.after(.seconds(60))
    while try !condition() {
        if deadline.isPast { return false }
        Processor.yield()
    }
    return true
}

/// The error that a call ends with, nil when it ends well.
func thrown(_ call: () throws(SystemError) -> Void) -> Int32? {
    do throws(SystemError) {
        try call()
        return nil
    } catch {
        return error.errno
    }
}
