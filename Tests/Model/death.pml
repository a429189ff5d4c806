// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// Death and closing: what the end that is left gets to know, and that it always does (Link `close`, PeerMonitor,
// Receiver `awaitMessages`, Sender `sleep` and `block`, `close` of the lanes).
//
// VICTIM is the end that may be killed, at any instruction or not at all; it may also close its lane by itself, early
// or after RECORDS records. The other end waits as in the model of arming, and has a reactor, which hears the news.
// The victim itself waits by looking again and again. The last of the RECORDS records is the finish.

#define WRITER 0
#define READER 1
#ifndef VICTIM
#define VICTIM WRITER
#endif
#ifndef RECORDS
#define RECORDS (2 + VICTIM)
#endif
// A writer that is left has room for one record, so that it waits.
#ifndef CAPACITY
#define CAPACITY (2 - VICTIM)
#endif
#define SURVIVOR (1 - VICTIM)
#define THREADS 2
#define ENDS 2

#define SHOWN 0
#define CURSOR 1
#define ARMED(end) (2 + (end))
// Where an end's peer says that its lane is closed.
#define GONE(end) (4 + (end))
#define WORDS 6
#define DEPTH 3
#include "memory.pml"

// The survivor's link: the flag, and the news on the control connection, behind the bells.
bit hasReason;
bit isClosed;
bit isClosing;
bit isKilled;
// The moment in which a lane that ended waits no longer for the news. It may come at any time, or never.
bit isGraceOver;

// What the kernel tells of a killed process it tells when all its stores are visible.
#ifdef MUTATION_NEWS_BEFORE_STORES
#define isDead isKilled
#else
#define isDead (isKilled && isDrained(VICTIM))
#endif

// For the assertions only: the records that were shown, and whether the survivor was told that no more will come.
byte committed;
bit isTold;

#define onStore(at, value) if :: (at) == SHOWN -> committed = value :: else fi
#include "waiting.pml"

// The lane ended; the monitor is about to say why.
inline awaitEnd(me, end) {
    do
    :: !isClosed && !isGraceOver ->
        atomic {
            !isLocked[end] && isDrained(me) ->
            if
            :: !permit[end] -> sleeper[end] = SUSPENDED
            :: else
            fi
        };
        if
        :: sleeper[end] == NOBODY
        :: isGraceOver -> atomic { !isLocked[end] -> sleeper[end] = NOBODY }
        fi;
        prepare(me, end)
    :: else -> break
    od;
    // closeUnexplained(): whoever is first to give a reason closes.
    isGraceOver = false;
    atomic {
        if
        :: !hasReason -> hasReason = true
        :: else -> goto explained
        fi
    };
    isClosed = true;
explained:
    skip
}

// Closes an end's lane, then tells the peer on the control connection.
inline closeLane(me, end) {
#ifdef MUTATION_CLOSE_WITHOUT_WAKE
    storeSequential(me, GONE(1 - end), true);
#else
    act(me, GONE(1 - end), true, 1 - end);
#endif
    isDrained(me);
    isClosing = true
}

inline publish() {
    if
    :: visible != head ->
        visible = head;
        assert(!isTold);
        act(WRITER, SHOWN, head, READER)
    :: else
    fi
}

#if VICTIM == WRITER

proctype Writer() {
    byte head, visible, released, seen;
    {
        do
        :: head < RECORDS && head - released < CAPACITY ->
            head++;
            if
            :: publish()
            :: skip // held back in a batch
            fi
        :: head < RECORDS && head - released == CAPACITY ->
            publish();
            memory[CURSOR] != released;
            loadSequential(WRITER, CURSOR, released)
        :: break
        od;
#ifdef MUTATION_GONE_BEFORE_PUBLISH
        closeLane(WRITER, WRITER);
        publish()
#else
        publish();
        closeLane(WRITER, WRITER)
#endif
    } unless { isKilled }
}

proctype Reader() {
    byte taken, shown, style, seen;
    bit isGone, closed;
    do
    :: taken < RECORDS ->
#ifndef MUTATION_NO_LAST_DRAIN
        closed = isClosed;
#endif
        loadAcquiring(READER, SHOWN, shown);
        assert(shown <= committed);
        if
        :: shown > taken ->
            taken = shown;
            act(READER, CURSOR, taken, WRITER)
        :: else ->
#ifdef MUTATION_NO_LAST_DRAIN
            closed = isClosed;
#endif
            if
            :: closed ->
                assert(taken == committed);
                isTold = true;
                break
            :: else
            fi;
            wait(READER, READER, SHOWN, shown, shown > taken);
            isGone = 0
        fi
    :: else -> break
    od
}

#else

proctype Writer() {
    byte head, visible, released, style, seen;
    bit isGone;
    do
    :: head == RECORDS -> break
    :: isClosed -> isTold = true; break
    :: head < RECORDS && head - released < CAPACITY && !isClosed ->
        head++;
        if
        :: publish()
        :: skip // held back in a batch
        fi
    :: head < RECORDS && head - released == CAPACITY && !isClosed ->
        loadSequential(WRITER, CURSOR, released);
        if
        :: head - released == CAPACITY ->
            publish();
            wait(WRITER, WRITER, CURSOR, released, head - released < CAPACITY);
            isGone = 0
        :: else
        fi
    od;
    if
    :: !isTold -> publish()
    :: else
    fi
}

proctype Reader() {
    byte taken, shown, seen;
    {
        do
        :: taken < RECORDS ->
            memory[SHOWN] > taken;
            loadAcquiring(READER, SHOWN, shown);
            taken = shown;
            act(READER, CURSOR, taken, WRITER)
        :: break
        od;
        closeLane(READER, READER)
    } unless { isKilled }
}

#endif

// The reactor of the survivor's process: hears bells, and what comes behind them.
proctype Reactor() {
    byte found;
endless:
    do
    :: atomic { bells[SURVIVOR] > 0 -> bells[SURVIVOR]-- };
        wakeSlot(SURVIVOR, found)
    // The peer says that it leaves; or it was killed.
    :: atomic { bells[SURVIVOR] == 0 && !hasReason && (isClosing || isDead) -> hasReason = true };
        // Link.close(_:): the flag first, then whoever waits is woken and looks at it.
#ifdef MUTATION_FLAG_AFTER_WAKE
        wakeSlot(SURVIVOR, found);
        isClosed = true
#elif defined(MUTATION_NO_WAKE)
        isClosed = true
#else
        isClosed = true;
        wakeSlot(SURVIVOR, found)
#endif
    od
}

proctype Killer() {
    isKilled = true
}

proctype Grace() {
    isGraceOver = true
}

init {
    atomic {
        runBuffer(WRITER);
        runBuffer(READER);
        run Writer();
        run Reader();
        run Reactor();
        // Each may come at any time, or never.
        if
        :: run Killer()
        :: skip
        fi;
        if
        :: run Grace()
        :: skip
        fi
    }
}
