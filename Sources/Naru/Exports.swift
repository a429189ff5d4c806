// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

// `import Naru` is enough: the core comes with it, and of the system layer the one type that its interface is made of.
@_exported public import NaruCore
@_exported public import struct NaruSystem.Deadline
