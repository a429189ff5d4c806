// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

import CFuzzEngine
import NaruFuzzTargets
import NaruSystem

/// Fuzzes one target, the one that `NARU_FUZZ_TARGET` names, with libFuzzer's own arguments; or, as
/// `NaruFuzz seeds FOLDER`, writes the seeds of all targets; or, as `NaruFuzz targets`, names them.
@main
struct NaruFuzz {
    static func main() {
        let arguments = CommandLine.arguments
        if arguments.dropFirst().first == "targets" {
            print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
        } else if arguments.count == 3, arguments[1] == "seeds" {
            writeSeeds(to: arguments[2])
        } else {
            var count = CommandLine.argc
            var words = unsafe Optional(CommandLine.unsafeArgv)
            // The arguments live as long as the process.
            _ = unsafe naru_fuzz(&count, &words, fuzzOneInput)
        }
    }

    fileprivate static let target: FuzzTarget = {
        let name = HostInformation.environment("NARU_FUZZ_TARGET") ?? ""
        guard let target = FuzzTarget(rawValue: name) else { fatalError("NARU_FUZZ_TARGET names no target: `\(name)`") }
        return target
    }()

    private static func writeSeeds(to folder: String) {
        do {
            for target in FuzzTarget.allCases {
                let path = "\(folder)/\(target.rawValue)"
                try? FileSystem.makeDirectory(path, permissions: 0o755)
                for (name, bytes) in target.seeds {
                    let file = try FileSystem.open("\(path)/\(name)", [.write, .create, .truncate], permissions: 0o644)
                    // Read only, and during the call.
                    unsafe try bytes.withUnsafeBytes { unsafe try file.pwrite($0, at: 0) }
                }
            }
        } catch {
            fatalError("\(error)")
        }
    }
}

/// What libFuzzer calls with each input. A finding ends the process, which makes it a crash.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    // libFuzzer's memory, valid for the call.
    let input = unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    do throws(Finding) {
        try NaruFuzz.target.run(input)
    } catch {
        fatalError("finding: \(error)")
    }
    return 0
}
