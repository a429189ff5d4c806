// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

/// The host's limits on pipes and FIFOs, as its files say; nil where they are hidden. See pipe(7).
public struct PipeLimits: Sendable, Hashable {
    /// The most bytes to which a pipe is enlarged without privilege: `fs.pipe-max-size`.
    public var pipeBytes: Int?
    /// From how many pages in all pipes of a user on the kernel makes small ones, and enlarges none without privilege:
    /// `fs.pipe-user-pages-soft`. 0: no limit.
    public var softPages: Int?
    /// From how many on it makes none without privilege: `fs.pipe-user-pages-hard`. 0: no limit.
    public var hardPages: Int?

    public init(pipeBytes: Int? = nil, softPages: Int? = nil, hardPages: Int? = nil) {
        self.pipeBytes = pipeBytes
        self.softPages = softPages
        self.hardPages = hardPages
    }

    /// All of them, read anew.
    public static func current() -> PipeLimits {
        PipeLimits(
            pipeBytes: FileSystem.readNumber("/proc/sys/fs/pipe-max-size"),
            softPages: FileSystem.readNumber("/proc/sys/fs/pipe-user-pages-soft"),
            hardPages: FileSystem.readNumber("/proc/sys/fs/pipe-user-pages-hard"))
    }
}
