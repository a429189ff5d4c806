// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// How an end sleeps and is woken, for the models beside this file: the armed word (NaruRing/ArmedWord.swift), the slot
// where its one waiter sleeps (NaruCore/Link/WaitSlot.swift), the futex, and the bell that the peer rings.
//
// A model defines ENDS, the number of ends that wait, and ARMED(end), the end's armed word; memory.pml comes first. Where
// an end has several, it also defines PEER_ARMED(end), the one that the other end looks at, and isWokenBy(end), whether
// the end sleeps on that one. What else is looked at before a sleep is onLook(me).
// `me` is always the number of the thread that acts, for its buffer, and `end` the end that sleeps or is woken.

#ifndef PEER_ARMED
#define PEER_ARMED(end) ARMED(end)
#define isWokenBy(end) true
#endif
#ifndef onLook
#define onLook(me) skip
#endif

#define IDLE 0
#define THREAD 1
#define TASK 2

// Who sleeps in a slot. A thread that waits on no word but on the slot's descriptor sleeps like a task here: both are
// woken by the slot alone.
#define NOBODY 0
#define ON_WORD 1
#define SUSPENDED 2

byte sleeper[ENDS];
bit permit[ENDS];
// The lock of the slot. Short sections under it are one step each.
bit isLocked[ENDS];
// Asleep in the kernel, on the end's armed word.
bit inFutex[ENDS];
// Bells that were rung and not yet heard by the reactor of the end's process.
byte bells[ENDS];

// futex(2): the kernel compares and falls asleep under one lock, with a full barrier before.
inline futexWait(me, end, value) {
#ifdef MUTATION_FUTEX_WITHOUT_COMPARISON
    atomic { isDrained(me) -> inFutex[end] = true };
#else
    atomic { isDrained(me) -> inFutex[end] = (memory[ARMED(end)] == value) };
#endif
    !inFutex[end]
}
inline futexWake(me, end) { atomic { isDrained(me) -> inFutex[end] = inFutex[end] && !isWokenBy(end) } }

// What a model notes for its assertions when such a store is made.
#ifndef onStore
#define onStore(at, value) skip
#endif

// MARK: ArmedWord

inline arm(me, end, style) {
#ifdef MUTATION_ARM_RELEASING
    storeReleasing(me, ARMED(end), style)
#else
    storeSequential(me, ARMED(end), style)
#endif
}

inline disarm(me, end) {
#ifdef MUTATION_NO_DISARM
    skip
#else
    storeRelaxed(me, ARMED(end), IDLE)
#endif
}

#ifndef RING_IS_DEFINED
inline ring(end) { bells[end]++ }
#endif

// Wakes the other end if it is armed. `seen` is a variable of the caller's.
inline wakeArmed(me, end, seen) {
#ifdef MUTATION_ARMED_LOOK_ACQUIRING
    loadAcquiring(me, PEER_ARMED(end), seen);
#else
    loadSequential(me, PEER_ARMED(end), seen);
#endif
    if
    :: seen != IDLE ->
#if defined(MUTATION_WAKE_KEEPS_WORD)
        skip;
#elif defined(MUTATION_WAKE_BY_STORE)
        storeSequential(me, PEER_ARMED(end), IDLE);
#else
        exchangeSequential(me, PEER_ARMED(end), IDLE, seen);
#endif
        if
        :: seen == THREAD -> futexWake(me, end)
        :: seen == TASK -> ring(end)
        :: else
        fi
    :: else
    fi;
    seen = 0
}

// As the code does it: a release, a fence unless the other end covers, plain looks. COVERED is a model's choice; only
// the end COVERING ever covers, in the word COVER, and its process notes it in isCovering.
#ifdef COVERED

// Only needs that everything stored before is visible.
inline fence(me) { atomic { isDrained(me) -> skip } }

inline act(me, at, value, other) {
    atomic { storeReleasing(me, at, value); onStore(at, value) };
    if
    :: other == COVERING -> loadAcquiring(me, COVER, seen)
    :: else
    fi;
    if
    :: seen == 0 -> fence(me)
    :: else -> seen = 0
    fi;
    loadAcquiring(me, PEER_ARMED(other), seen);
    if
    :: seen != IDLE -> wakeArmed(me, other, seen)
    :: else
    fi
}

inline beginCover(me) {
    if
    :: !isCovering ->
        storeRelaxed(me, COVER, 1);
        isCovering = true
    :: else
    fi
}

// membarrier(2): at some moment of the call the other end, too, has carried out a fence. It is a fence of the caller's.
inline imposeFence(me, other) {
#ifdef MUTATION_NO_IMPOSED_FENCE
    fence(me)
#else
    fence(me);
    fence(other);
    fence(me)
#endif
}

inline endCover(me, other) {
    if
    :: me == COVERING && isCovering ->
#ifndef MUTATION_COVER_ENDS_LATE
        storeRelaxed(me, COVER, 0);
#endif
        imposeFence(me, other);
        isCovering = false
    :: else
    fi
}

inline clearLate(me) {
#ifdef MUTATION_COVER_ENDS_LATE
    if
    :: me == COVERING -> storeRelaxed(me, COVER, 0)
    :: else
    fi
#else
    skip
#endif
}

#else

inline endCover(me, other) { skip }
inline clearLate(me) { skip }

// Does what the other end waits for: stores, then looks at its armed word.
inline act(me, at, value, other) {
#ifdef MUTATION_ARMED_LOOK_FIRST
    loadSequential(me, PEER_ARMED(other), seen);
#endif
#ifdef MUTATION_COMMIT_RELEASING
    atomic { storeReleasing(me, at, value); onStore(at, value) };
#else
    atomic { storeSequential(me, at, value); onStore(at, value) };
#endif
#ifdef MUTATION_ARMED_LOOK_FIRST
    if
    :: seen != IDLE -> wakeArmed(me, other, seen)
    :: else
    fi
#else
    wakeArmed(me, other, seen)
#endif
}

#endif

// What the other end did, as it is looked at before a sleep.
inline look(me, end, at, into) {
#if defined(GONE) && !defined(MUTATION_GONE_LOOK_LAST)
    loadSequential(me, GONE(end), isGone);
#endif
#ifdef MUTATION_LOOK_ACQUIRING
    loadAcquiring(me, at, into);
#else
    loadSequential(me, at, into);
#endif
#if defined(GONE) && defined(MUTATION_GONE_LOOK_LAST)
    loadSequential(me, GONE(end), isGone);
#endif
    onLook(me)
}

// MARK: WaitSlot

inline prepare(me, end) {
    atomic { !isLocked[end] && isDrained(me) -> permit[end] = false }
}

// On the thread of the reactor of the end's process, which has no buffer: everything it stores is followed by a lock, a
// system call or a sequentially consistent load.
inline wakeSlot(end, found) {
    atomic { !isLocked[end] -> isLocked[end] = true };
#ifdef MUTATION_NO_PERMIT
    permit[end] = (sleeper[end] != NOBODY);
#else
    permit[end] = true;
#endif
    found = sleeper[end];
#ifdef MUTATION_WAKE_OUTSIDE_LOCK
    isLocked[end] = false;
#endif
    if
    :: found == ON_WORD ->
#if defined(MUTATION_WORD_NOT_ZEROED)
        inFutex[end] = false
#elif defined(MUTATION_WORD_ZEROED_AFTER_WAKE)
        inFutex[end] = false;
        memory[ARMED(end)] = IDLE
#else
        memory[ARMED(end)] = IDLE;
        inFutex[end] = false
#endif
    :: found == SUSPENDED -> sleeper[end] = NOBODY
    :: else
    fi;
    found = 0;
#ifndef MUTATION_WAKE_OUTSIDE_LOCK
    isLocked[end] = false
#endif
}

// Sleeps until the slot is woken, as a task.
inline suspend(me, end) {
    atomic {
        !isLocked[end] && isDrained(me) ->
        if
        :: !permit[end] -> sleeper[end] = SUSPENDED
        :: else
        fi
    };
    sleeper[end] == NOBODY
}

// Sleeps on the armed word, as a thread, or until the slot is woken, as a task.
inline sleep(me, end, style) {
    if
    :: style == THREAD ->
        atomic {
            !isLocked[end] && isDrained(me) ->
            if
            :: !permit[end] -> sleeper[end] = ON_WORD
            :: else
            fi
        };
        if
        :: sleeper[end] == ON_WORD ->
            futexWait(me, end, THREAD);
            atomic { !isLocked[end] && isDrained(me) -> sleeper[end] = NOBODY }
        :: else
        fi
    :: else -> suspend(me, end)
    fi
}

// Waits for a change of the word `at`, which is looked at once more: it may be enough to make `isReady` true. The lane
// is armed for a thread or a task, whichever the caller happens to be this time. A model whose links close defines
// GONE(end), the word in which the other end says that its lane ended, the variables isGone and isClosed, and awaitEnd.
inline wait(me, end, at, into, isReady) {
    atomic {
        if
        :: style = THREAD
        :: style = TASK
        fi;
#ifndef MUTATION_PREPARE_LATE
        prepare(me, end)
#endif
    };
#ifdef MUTATION_LOOK_BEFORE_ARM
    look(me, end, at, into);
#endif
#ifdef MUTATION_COVER_ENDS_FIRST
    endCover(me, 1 - me);
#endif
    arm(me, end, style);
#ifndef MUTATION_COVER_ENDS_FIRST
    endCover(me, 1 - me);
#endif
#if !defined(MUTATION_LOOK_BEFORE_ARM) && !defined(MUTATION_NO_LOOK)
    look(me, end, at, into);
#endif
#ifdef MUTATION_PREPARE_LATE
    prepare(me, end);
#endif
#ifdef MUTATION_DISARM_BEFORE_SLEEP
    disarm(me, end);
#endif
    if
    :: isReady
#ifdef GONE
#ifndef MUTATION_NO_CLOSED_LOOK
    :: !(isReady) && isClosed
#endif
    :: else ->
        if
        :: isGone -> awaitEnd(me, end)
        :: else -> sleep(me, end, style)
        fi
#else
    :: else -> sleep(me, end, style)
#endif
    fi;
    style = 0;
    clearLate(me);
    disarm(me, end)
}
