// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// Arming: how the reader sleeps until there is a record and the writer until there is room, and how each wakes the
// other (`arm` of RingInboundLane and RingOutboundLane, Receiver `awaitMessages`, Sender `sleep` and `block`,
// Link+Waiting.swift).
//
// The ring is only counted here: how many records were shown, how many released. RECORDS records go through room for
// CAPACITY. For each wait either end chooses anew whether a thread or a task sleeps. Each process has a reactor, which
// hears bells, and at any time one bell may ring that is meant for another lane: it wakes every slot of its process.

#ifndef RECORDS
#define RECORDS 3
#endif
#ifndef CAPACITY
#define CAPACITY 2
#endif

#define WRITER 0
#define READER 1
#define THREADS 2
#define ENDS 2

#define SHOWN 0
#define CURSOR 1
#define ARMED(end) (2 + (end))
#ifdef COVERED
// The reader covers for the writer.
#define COVERING READER
#define COVER 4
#define WORDS 5
#else
#define WORDS 4
#endif
#define DEPTH 3
#include "memory.pml"
#include "waiting.pml"

inline publish() {
    if
    :: visible != head ->
        visible = head;
        act(WRITER, SHOWN, head, READER)
    :: else
    fi
}

proctype Writer() {
    byte head, visible, released, style, seen;
    bit isCovering;
    do
    :: head < RECORDS && head - released < CAPACITY ->
        head++;
        if
        :: publish()
        :: skip // held back in a batch
        fi
    :: head < RECORDS && head - released == CAPACITY ->
        // place(_:)
        loadSequential(WRITER, CURSOR, released);
        if
        :: head - released == CAPACITY ->
#ifndef MUTATION_HELD_WHILE_FULL
            publish();
#endif
            wait(WRITER, WRITER, CURSOR, released, head - released < CAPACITY)
        :: else
        fi
    :: head == RECORDS -> break
    od;
    publish()
}

proctype Reader() {
    byte taken, shown, style, seen;
    bit isCovering;
    do
    :: taken < RECORDS ->
        loadAcquiring(READER, SHOWN, shown);
        if
        :: shown > taken ->
#ifdef COVERED
            if
            :: beginCover(READER)
            :: skip
            fi;
#endif
            // All of them, or one.
            if
            :: taken = shown
            :: shown - taken > 1 -> taken++
            fi;
            act(READER, CURSOR, taken, WRITER)
        :: else -> wait(READER, READER, SHOWN, shown, shown > taken)
        fi
    :: else -> break
    od
}

// The reactor of an end's process.
proctype Reactor(byte end) {
    byte found;
endless:
    do
    :: atomic { bells[end] > 0 -> bells[end]-- };
        wakeSlot(end, found)
    od
}

// A bell for another lane of the same process.
proctype Stranger(byte end) {
    ring(end)
}

init {
    atomic {
        runBuffer(WRITER);
        runBuffer(READER);
        run Writer();
        run Reader();
        run Reactor(WRITER);
        run Reactor(READER);
        run Stranger(WRITER);
        run Stranger(READER)
    }
}
