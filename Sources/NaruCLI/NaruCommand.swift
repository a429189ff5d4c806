// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import ArgumentParser
import Naru

/// The `naru` command.
@main
struct NaruCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "naru",
        abstract: "Moves messages between programs by the fastest valid mechanism.",
        discussion: """
            A link has a name; two programs that use the same name on one host meet. Its settings come from the \
            environment (NARU_LINKS_NAME_KEY), from the file that NARU_CONFIG names, or from naru.json in the working \
            folder.

            Exit codes: 0 done, 1 failed, 64 misuse.
            """,
        subcommands: [
            SendCommand.self, ReceiveCommand.self, SignalCommand.self, WaitCommand.self, ExplainCommand.self,
            ListCommand.self, CleanCommand.self, DoctorCommand.self, BenchCommand.self,
            BenchEndCommand.self,
        ])

    /// Runs the command; a failure is one line on standard error and exit code 1, misuse has code 64.
    static func main() async {
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as NaruError {
            Console.error("\(error)")
            exit(withError: ExitCode.failure)
        } catch let error as ValidationError {
            Console.error("\(error)")
            exit(withError: ExitCode.validationFailure)
        } catch {
            exit(withError: error)
        }
    }
}
