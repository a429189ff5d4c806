// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

internal import NaruSystem
internal import Synchronization

/// The links that this process inherited from the one that started it.
///
/// They are named by a variable of the environment, which the starting process sets:
///
///     NARU_INHERITED=frames=3:81231,results=4:81232        NAME=DESCRIPTOR:INODE
///
/// The inode tells the socket that was meant from whatever has its number in a process further down, which inherits the
/// variable and not the socket.
public enum InheritedEnds {
    /// The variable's name.
    public static let variable = "NARU_INHERITED"

    /// What this process has adopted, by number and inode: a second look at the variable finds the same ends.
    private static let adopted = Mutex<[Key: RelatedEnd]>([:])

    private struct Key: Hashable {
        let number: Int32
        let inode: UInt64
    }

    /// The ends that a value of the variable names and that are there. Each is adopted once in the life of the process,
    /// and closes in programs that this process starts.
    /// - Returns: The ends by name, and what is wrong with the rest, one line each.
    public static func adopt(_ value: String) -> (ends: [String: RelatedEnd], problems: [String]) {
        var ends: [String: RelatedEnd] = [:]
        var problems: [String] = []
        for entry in value.split(separator: ",") {
            guard let (name, key) = parse(entry), ends[name] == nil else {
                problems.append("\(variable): `\(entry)` is not NAME=DESCRIPTOR:INODE of a name of its own")
                continue
            }
            let end = adopted.withLock { adopted -> RelatedEnd? in
                if let known = adopted[key] { return known.name == name ? known : nil }
                guard let socket = try? Descriptor.inherited(key.number, inode: key.inode),
                    UnixSocket.isSocketKind(socket, .stream)
                else { return nil }
                let end = RelatedEnd(name: name, role: .listener, socket: socket)
                adopted[key] = end
                return end
            }
            if let end {
                ends[name] = end
            } else {
                problems.append(
                    "\(variable): link `\(name)` is not there: descriptor \(key.number) is another, or closed. It is "
                        + "for the process that was started with it, not for those further down")
            }
        }
        return (ends, problems)
    }

    private static func parse(_ entry: Substring) -> (String, Key)? {
        let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].contains(":"), let name = try? Address(parsing: String(parts[0])).name else {
            return nil
        }
        let numbers = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let number = Int32(numbers[0]), number > 2, let inode = UInt64(numbers[1]) else {
            return nil
        }
        return (name, Key(number: number, inode: inode))
    }

    /// The variable's value for a process that inherits these sockets under these numbers.
    static func value(_ sockets: [(name: String, socket: Descriptor, number: Int32)]) throws(SystemError) -> String {
        var entries: [String] = []
        for (name, socket, number) in sockets {
            entries.append("\(name)=\(number):\(try socket.status().inode)")
        }
        return entries.joined(separator: ",")
    }
}
