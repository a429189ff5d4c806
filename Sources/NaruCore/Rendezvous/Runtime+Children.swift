// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

public import NaruSystem

/// A program to start, and what it is given.
public struct ChildProgram: Sendable {
    /// The path of the program; it is not searched for.
    public var executable: String
    /// Its arguments, without its name.
    public var arguments: [String]
    /// The names of its links, at most 64. In the program, the same names open the other ends.
    public var links: [String]
    /// Its environment; `nil`: this process's own.
    public var environment: [String: String]?
    /// Its standard input; `nil`: this process's own, shared, whose flags nobody changes.
    public var standardInput: Descriptor?
    /// Its standard output; `nil`: this process's own.
    public var standardOutput: Descriptor?
    /// Its standard error; `nil`: this process's own.
    public var standardError: Descriptor?

    /// A program, with links.
    public init(
        _ executable: String, _ arguments: [String] = [], links: [String] = [],
        environment: [String: String]? = nil, standardInput: Descriptor? = nil, standardOutput: Descriptor? = nil,
        standardError: Descriptor? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.links = links
        self.environment = environment
        self.standardInput = standardInput
        self.standardOutput = standardOutput
        self.standardError = standardError
    }

    /// The most links that a program is started with: each is a descriptor in either process.
    public static let maximumLinks = 64
}

extension Runtime {
    /// Starts a program with links attached, and blocks until it is loaded.
    ///
    /// For each link the program inherits one end of a connection, named in its environment by
    /// ``InheritedEnds/variable``; apart from these, the standard streams, and what this process itself has opened
    /// without close-on-exec, it inherits nothing.
    /// - Throws: ``NaruError/Code/invalidArgument`` for a link's name that is none, or is there twice,
    ///   ``NaruError/Code/resourceExhausted`` or ``NaruError/Code/system`` for what the kernel refused, mostly that
    ///   there is no such program.
    public func start(_ program: ChildProgram) throws(NaruError) -> Child {
        try checkFork("start", program.executable)
        for link in program.links { _ = try Address(parsing: "local:\(link)") }
        guard Set(program.links).count == program.links.count, program.links.count <= ChildProgram.maximumLinks else {
            throw NaruError(
                .invalidArgument, operation: "start", object: program.executable,
                reason: "a program has at most \(ChildProgram.maximumLinks) links, each with a name of its own")
        }
        let child: Child
        do throws(SystemError) {
            var ends: [RelatedEnd] = []
            var inherited: [(name: String, socket: Descriptor, number: Int32)] = []
            for link in program.links {
                let (own, theirs) = try RelatedEnd.pair(name: link)
                inherited.append((link, theirs, Int32(3 + ends.count)))
                ends.append(own)
            }
            let process = try ChildProcess(
                executable: program.executable, arguments: program.arguments,
                environment: try Self.environment(of: program, inherited), standardInput: program.standardInput,
                standardOutput: program.standardOutput, standardError: program.standardError,
                inherit: inherited.map { ($0.socket, as: $0.number) })
            child = Child(process, ends: ends, self)
        } catch {
            throw NaruError(error, operation: "start", object: program.executable)
        }
        do {
            try child.watch()
        } catch {
            // Nobody would hear of its end, or reap it.
            child.kill()
            _ = try? child.waitForEndBlocking()
            throw error
        }
        return child
    }

    /// The program's variables. What this process inherited itself is not passed on.
    private static func environment(
        of program: ChildProgram, _ inherited: [(name: String, socket: Descriptor, number: Int32)]
    ) throws(SystemError) -> [String] {
        var variables = program.environment ?? [:]
        if program.environment == nil {
            for name in HostInformation.environmentNames() { variables[name] = HostInformation.environment(name) }
        }
        variables[InheritedEnds.variable] = inherited.isEmpty ? nil : try InheritedEnds.value(inherited)
        return variables.map { "\($0.key)=\($0.value)" }
    }
}
