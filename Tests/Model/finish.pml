// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// The answer to a finish: the sender waits for the word that everything was taken, from a peer that may be killed at
// any instruction (Sender+Finish.swift, Link `tookMessages` and `close`, PeerMonitor `ended`).
//
// Everything here is under locks or in the kernel, so the memory order is no part of it.

#define SENDER 0
#define THREADS 1
#define ENDS 1
#define ARMED(end) (end)
#define WORDS 1
#define DEPTH 2
#include "memory.pml"
#include "waiting.pml"

mtype = { took, closing };

// What the peer said, in order.
chan connection = [2] of { mtype };
bit isKilled;
bit isClosed;
bit peerTook;

// For the assertions only.
bit wasSaid;

proctype Peer() {
    {
        if
        :: atomic { connection!took -> wasSaid = true };
            if
            :: connection!closing
            :: skip
            fi
        :: connection!closing
        fi
    } unless { isKilled }
}

proctype Killer() {
    isKilled = true
}

inline closeLink() {
    isClosed = true;
    wakeSlot(SENDER, found)
}

inline handle() {
    if
    :: frame == took ->
#ifdef MUTATION_TOOK_AFTER_WAKE
        wakeSlot(SENDER, found);
        peerTook = true
#else
        peerTook = true;
        wakeSlot(SENDER, found)
#endif
    :: frame == closing && !isClosed -> closeLink()
    :: else
    fi
}

proctype Reactor() {
    mtype frame;
    byte found;
endless:
    do
    :: connection?frame -> handle()
    :: isKilled && !isClosed ->
#ifndef MUTATION_DEATH_BEFORE_PENDING
        // readPending()
        do
        :: connection?frame -> handle()
        :: empty(connection) -> break
        od;
#endif
        if
        :: !isClosed -> closeLink()
        :: else
        fi
    od
}

proctype Sender() {
    bit closed;
    do
    :: // isAnswered()
#ifndef MUTATION_PREPARE_LATE
        prepare(SENDER, SENDER);
#endif
#ifndef MUTATION_CLOSED_AFTER_TOOK
        closed = isClosed;
#endif
        if
        :: peerTook -> break
        :: else
        fi;
#ifdef MUTATION_CLOSED_AFTER_TOOK
        closed = isClosed;
#endif
        if
        :: closed -> assert(!wasSaid); break
        :: else
        fi;
#ifdef MUTATION_PREPARE_LATE
        prepare(SENDER, SENDER);
#endif
        // flushed() sees a link that closed meanwhile, else the sender sleeps.
        if
        :: isClosed
        :: else -> suspend(SENDER, SENDER)
        fi
    od
}

init {
    atomic {
        run Sender();
        run Reactor();
        run Peer();
        // At any time, or never.
        if
        :: run Killer()
        :: skip
        fi
    }
}
