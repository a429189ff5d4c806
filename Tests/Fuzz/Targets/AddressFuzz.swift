// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).

@testable import Naru
@testable import NaruCore

enum AddressFuzz {
    static func run(_ bytes: [UInt8]) throws(Finding) {
        let text = String(decoding: bytes, as: UTF8.self)
        switch outcome({ () throws(NaruError) in try Address(parsing: text) }) {
        case .failure(let error):
            try require(error, isOneOf: .invalidArgument, .unsupported)
        case .success(let address):
            // `inherited:` names the only link there is, and an object of another program is not the configuration's.
            if let name = address.configurationName, address != .inherited(name: "") {
                try require(NameRule.accepts(name), "`\(name)` was accepted as a name")
            }
            // A place on a network can be written in several ways.
            if !address.isRemote {
                try require(text == address.name || text == address.description, "`\(text)` became \(address)")
            }
            let again = outcome { () throws(NaruError) in try Address(parsing: address.description) }
            guard case .success(address) = again else {
                throw Finding(description: "\(address) does not parse to itself")
            }
        }
        if let compression = Compression(text) {
            try require(Compression(compression.description) == compression, "\(compression) does not parse to itself")
        }
        if let (link, key) = LinkVariable.meaning(of: text) {
            try require(NameRule.accepts(link), "variable `\(text)` names the link `\(link)`")
            if let name = LinkVariable.name(of: key, link: link) {
                let meaning = LinkVariable.meaning(of: name)
                try require(meaning?.link == link && meaning?.key == key, "variable \(name) means something else")
            }
        }
    }
}
