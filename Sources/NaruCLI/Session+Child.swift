// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru
import NaruSystem

/// A transfer whose other end is a program that the command starts.
extension Session {
    static let programHelp = ArgumentHelp(
        "Behind --: a program to start, with its arguments. It inherits the other end of the link.",
        valueName: "program")

    /// Starts the program that is named, if one is; the link goes with it.
    func start(_ program: [String]) throws -> Child? {
        guard let name = program.first else { return nil }
        return try naru.start(
            ChildProgram(try Self.find(name), Array(program.dropFirst()), links: [settings.name ?? ""]))
    }

    /// The sender of the link, to a child where there is one.
    func sender(to child: Child?) throws -> sending Sender {
        guard let child else { return try naru.blocking.sender(settings, deadline: deadline) }
        return try naru.blocking.sender(settings, to: child, deadline: deadline)
    }

    /// The receiver of the link, from a child where there is one.
    func receiver(from child: Child?) throws -> sending Receiver {
        guard let child else { return try naru.blocking.receiver(settings, deadline: deadline) }
        return try naru.blocking.receiver(settings, from: child, deadline: deadline)
    }

    /// Waits until a child has ended.
    func expectSuccess(of child: Child?) throws {
        guard let child else { return }
        let status = try child.waitForEndBlocking()
        guard status != .exited(0) else { return }
        let (code, how): (NaruError.Code, String) =
            switch status {
            case .exited(let number): (.peerExited, "it exited with code \(number)")
            case .killed(let signal): (.peerKilled, "it was killed by signal \(signal)")
            }
        throw NaruError(code, operation: "run", object: "\(child)", reason: how)
    }

    /// The path of a program: as it is where it has a slash, else in the folders of PATH.
    private static func find(_ name: String) throws -> String {
        if name.contains("/") { return name }
        let folders = (HostInformation.environment("PATH") ?? "").split(separator: ":")
        for folder in folders {
            let path = "\(folder)/\(name)"
            if let found = try? FileSystem.status(path, followingSymbolicLinks: true), found.kind == .regular,
                found.permissions & 0o111 != 0
            {
                return path
            }
        }
        throw NaruError(
            .invalidArgument, operation: "start", object: name, reason: "no such program in the folders of PATH",
            remedy: "name its path")
    }
}
