// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// Shared memory as processors give it, for the models beside this file.
//
// One of these is defined when a model is built:
//
//     MEMORY_SC     every store is visible at once, in order
//     MEMORY_TSO    x86: each thread has a buffer of stores that become visible in order, some time later. A
//                   sequentially consistent store and an exchange wait until it is empty; loads look into it first
//     MEMORY_WEAK   Arm: stores become visible in any order, except that those to one word stay in order and that a
//                   releasing or sequentially consistent store waits for all before it (later ones may overtake it).
//                   A sequentially consistent load waits until the thread's releasing stores are visible
//
// Loads happen in the order of the program. Where an order of loads matters, a mutation of the model swaps them.
//
// Before including this file a model defines THREADS, the number of threads with a buffer, WORDS, the number of shared
// words, and DEPTH, how many stores a buffer holds (at most 6; a store into a full one waits); it calls `runBuffer` for
// each thread. `me` is a thread's number, `at` a word's. Each operation is one indivisible step.

byte memory[WORDS];

#ifdef MEMORY_SC

#define isDrained(me) true
inline storeRelaxed(me, at, value) { memory[at] = value }
inline storeReleasing(me, at, value) { memory[at] = value }
inline storeSequential(me, at, value) { memory[at] = value }
inline loadAcquiring(me, at, into) { into = memory[at] }
inline loadSequential(me, at, into) { into = memory[at] }

inline runBuffer(me) { skip }

#else

// Stores on their way, the oldest first. What is behind `pending` is zero, so that equal states look equal.
byte pending[THREADS];
byte releases[THREADS];
byte pendingAt[THREADS * DEPTH];
byte pendingValue[THREADS * DEPTH];
bit isRelease[THREADS * DEPTH];

// Used within one step only, and zero between steps.
hidden byte slot;

#define isDrained(me) (pending[me] == 0)
#define entry(me, index) ((me) * DEPTH + (index))

inline append(me, at, value, release) {
    pendingAt[entry(me, pending[me])] = at;
    pendingValue[entry(me, pending[me])] = value;
    isRelease[entry(me, pending[me])] = release;
    releases[me] = releases[me] + release;
    pending[me]++
}

// What the thread itself sees: its own latest store, else the memory.
inline forward(me, at, into) {
    into = memory[at];
    slot = 0;
    do
    :: slot < pending[me] ->
        if
        :: pendingAt[entry(me, slot)] == at -> into = pendingValue[entry(me, slot)]
        :: else
        fi;
        slot++
    :: else -> break
    od;
    slot = 0
}

// Makes one buffered store visible.
inline reveal(me, index) {
    memory[pendingAt[entry(me, index)]] = pendingValue[entry(me, index)];
    releases[me] = releases[me] - isRelease[entry(me, index)];
    slot = index;
    do
    :: slot + 1 < pending[me] ->
        pendingAt[entry(me, slot)] = pendingAt[entry(me, slot + 1)];
        pendingValue[entry(me, slot)] = pendingValue[entry(me, slot + 1)];
        isRelease[entry(me, slot)] = isRelease[entry(me, slot + 1)];
        slot++
    :: else -> break
    od;
    pendingAt[entry(me, slot)] = 0;
    pendingValue[entry(me, slot)] = 0;
    isRelease[entry(me, slot)] = 0;
    pending[me]--;
    slot = 0
}

inline storeRelaxed(me, at, value) { d_step { pending[me] < DEPTH; append(me, at, value, 0) } }
inline loadAcquiring(me, at, into) { d_step { forward(me, at, into) } }

#ifdef MEMORY_TSO

inline storeReleasing(me, at, value) { d_step { pending[me] < DEPTH; append(me, at, value, 0) } }
inline storeSequential(me, at, value) { d_step { isDrained(me); memory[at] = value } }
inline loadSequential(me, at, into) { d_step { forward(me, at, into) } }

#else

inline storeReleasing(me, at, value) { d_step { pending[me] < DEPTH; append(me, at, value, 1) } }
inline storeSequential(me, at, value) { d_step { pending[me] < DEPTH; append(me, at, value, 1) } }
inline loadSequential(me, at, into) { d_step { releases[me] == 0; forward(me, at, into) } }

// Whether the store at `index` may overtake those before it.
#define differs(me, index, other) (pendingAt[entry(me, index)] != pendingAt[entry(me, other)])
#define isFree(me, index) (pending[me] > index && !isRelease[entry(me, index)] && differs(me, index, 0))
#define isFree2(me, index) (isFree(me, index) && differs(me, index, 1))
#define isFree3(me, index) (isFree2(me, index) && differs(me, index, 2))
#define isFree4(me, index) (isFree3(me, index) && differs(me, index, 3))
#define isFree5(me, index) (isFree4(me, index) && differs(me, index, 4))

#endif

proctype Buffer(byte me) {
endless:
    do
    :: d_step { pending[me] > 0; reveal(me, 0) }
#ifdef MEMORY_WEAK
    :: d_step { isFree(me, 1); reveal(me, 1) }
#if DEPTH > 2
    :: d_step { isFree2(me, 2); reveal(me, 2) }
#endif
#if DEPTH > 3
    :: d_step { isFree3(me, 3); reveal(me, 3) }
#endif
#if DEPTH > 4
    :: d_step { isFree4(me, 4); reveal(me, 4) }
#endif
#if DEPTH > 5
    :: d_step { isFree5(me, 5); reveal(me, 5) }
#endif
#endif
    od
}

inline runBuffer(me) { run Buffer(me) }

#endif

// Releases and acquires: it happens when everything that the thread stored before is visible.
inline exchangeSequential(me, at, value, old) { d_step { isDrained(me); old = memory[at]; memory[at] = value } }
