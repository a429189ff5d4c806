// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// The bell: a frame on the control connection, which may be dropped when the socket is full, because the frames that
// wait there wake the sleeper too (ControlConnection `ring` and `enqueue`, PeerMonitor `handle`).
//
// The writer commits RECORDS records and rings for a reader that is armed as a task; another thread of its process says
// once that it took all of the other direction. The socket holds ROOM frames, the queue before it holds the rest. A
// bell may be cut short by the socket; its rest then goes through the queue.

#ifndef RECORDS
#define RECORDS 3
#endif
#ifndef ROOM
#define ROOM 1
#endif

#define WRITER 0
#define READER 1
#define THREADS 2
#define ENDS 2

#define SHOWN 0
#define ARMED(end) (1 + (end))
#define WORDS 3
#define DEPTH 3
#include "memory.pml"

mtype = { bell, beginning, rest, took };

chan queue = [3] of { mtype };
chan socket = [ROOM] of { mtype };
// Whether the writer's reactor is to be told when the socket has room.
bit isWatched;

// Under the connection's lock.
inline ring(end) {
    atomic {
        if
        :: empty(queue) && nfull(socket) -> socket!bell
        :: empty(queue) && nfull(socket) ->
            socket!beginning;
            queue!rest;
#ifndef MUTATION_CUT_BELL_UNWATCHED
            isWatched = true
#endif
        :: nempty(queue) || full(socket) // dropped
        fi
    }
}
#define RING_IS_DEFINED
#include "waiting.pml"

inline drainQueue() {
    do
    :: nempty(queue) && nfull(socket) -> queue?frame; socket!frame
    :: empty(queue) || full(socket) -> break
    od;
    isWatched = nempty(queue)
}

proctype Writer() {
    byte head, seen;
    do
    :: head < RECORDS -> head++; act(WRITER, SHOWN, head, READER)
    :: else -> break
    od
}

proctype Acknowledger() {
    mtype frame;
    atomic { queue!took; drainQueue() }
}

proctype WriterReactor() {
    mtype frame;
endless:
    do
    :: atomic { isWatched && nfull(socket) -> drainQueue() }
    od
}

proctype Reader() {
    byte taken, shown, style, seen;
    do
    :: taken < RECORDS ->
        loadAcquiring(READER, SHOWN, shown);
        if
        :: shown > taken -> taken = shown
        :: else -> wait(READER, READER, SHOWN, shown, shown > taken)
        fi
    :: else -> break
    od
}

proctype ReaderReactor() {
    mtype frame;
    byte found;
endless:
    do
#ifdef MUTATION_READ_AFTER_WAKE
    :: socket?<frame> ->
#else
    :: socket?frame ->
#endif
        if
        :: frame == beginning
#ifdef MUTATION_TOOK_WAKES_NO_LANE
        :: frame == took
#endif
        :: else -> wakeSlot(READER, found)
        fi;
#ifdef MUTATION_READ_AFTER_WAKE
        socket?_
#endif
    od
}

init {
    atomic {
        runBuffer(WRITER);
        runBuffer(READER);
        run Writer();
        run Acknowledger();
        run WriterReactor();
        run Reader();
        run ReaderReactor()
    }
}
