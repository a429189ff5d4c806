// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// Growth: how the two ends go on in a larger ring while both may sleep in the old one, and how the writer waits for a
// slot that the reader gives back in whichever ring it is (`switchToSuccessor` and `placeInSlot` of RingOutboundLane,
// `follow` and `lend` of RingInboundLane, MemoryOffers, PeerMonitor `deliver`).
//
// As in the model of arming, rings are only counted: a record takes two units, a switch one, of CAPACITY. There are two
// rings, with an armed word for either end each, and one slot, which carries LARGE of the RECORDS records. Both are
// offered at any time; the reader's reactor maps what was offered and answers, the writer's hears the answer. The
// reader may keep back what it has taken until it waits.

#ifndef RECORDS
#define RECORDS 3
#endif
#ifndef LARGE
#define LARGE 2
#endif
#ifndef CAPACITY
#define CAPACITY 3
#endif

#define WRITER 0
#define READER 1
#define THREADS 2
#define ENDS 2

// The ring that an end is in.
bit ringOf[ENDS];

#define SHOWN(end) (4 * ringOf[end])
#define CURSOR(end) (4 * ringOf[end] + 1)
#define ARMED(end) (4 * ringOf[end] + 2 + (end))
#define PEER_ARMED(end) (4 * ringOf[1 - (end)] + 2 + (end))
#define isWokenBy(end) (ringOf[WRITER] == ringOf[READER])
// The slot: what it holds, and the use that the reader has given back.
#define SLOT 8
#define GIVEN_BACK 9
#define WORDS 10
#ifndef DEPTH
#define DEPTH 3
#endif
#include "memory.pml"

// Whether the ring that was offered is mapped by the reader's process, and whether the writer has heard so; and so of
// the slot.
bit isRingMapped;
bit isRingAccepted;
bit isSlotAccepted;

// What a writer looks at besides the cursor, before it sleeps.
#define onLook(me) if :: me == WRITER -> lookAtSlot() :: else fi
inline lookAtSlot() {
    hasSlot = isSlotAccepted;
    loadSequential(WRITER, GIVEN_BACK, givenBack)
}
#include "waiting.pml"

// What the writer meant, for the assertions only: the record at each place of either ring, by its number, or a switch.
#define PLACES (2 * RECORDS + 2)
#define SWITCH 100
#define IN_SLOT 50
byte meant[2 * PLACES];
#define place(end, position) (PLACES * ringOf[end] + (position))

inline publish() {
    if
    :: visible != head ->
        visible = head;
        act(WRITER, SHOWN(WRITER), head, READER)
    :: else
    fi
}

#define needs(units) (head + (units) - released)
#define isSlotFree (hasSlot && givenBack == use)

// place(_:) and switchToSuccessor(): finds room, or leaves isWaiting set.
inline findRoom() {
    isWaiting = false;
    if
    :: needs(2) > CAPACITY ->
        loadSequential(WRITER, CURSOR(WRITER), released);
        if
        :: needs(2) > CAPACITY ->
#ifndef MUTATION_HELD_WHILE_FULL
            publish();
#endif
            if
#ifdef MUTATION_SWITCH_UNANSWERED
            :: ringOf[WRITER] == 0 && needs(1) <= CAPACITY ->
#else
            :: isRingAccepted && ringOf[WRITER] == 0 && needs(1) <= CAPACITY ->
#endif
                atomic { meant[place(WRITER, head)] = SWITCH; head++ };
#ifdef MUTATION_SWITCH_WAKES_NOBODY
                storeSequential(WRITER, SHOWN(WRITER), head);
#else
                publish();
#endif
                // adopt(_:)
                atomic {
                    ringOf[WRITER] = 1;
                    head = 0;
                    visible = 0;
                    released = 0
                }
            :: else -> isWaiting = true
            fi
        :: else
        fi
    :: else
    fi
}

proctype Writer() {
    byte sent, head, visible, released, style, seen, givenBack, use, larges;
    bit hasSlot, isLarge, isWaiting;
    do
    :: sent < RECORDS ->
        atomic {
            isLarge = false;
            if
            :: larges < LARGE -> isLarge = true; larges++
            :: skip
            fi
        };
again:
        findRoom();
        if
        :: isLarge && !isWaiting ->
            lookAtSlot();
            if
            :: !isSlotFree -> publish(); isWaiting = true
            :: else
            fi
        :: else
        fi;
        if
        :: isWaiting ->
            wait(WRITER, WRITER, CURSOR(WRITER), released, needs(2) <= CAPACITY && (!isLarge || isSlotFree));
            goto again
        :: else
        fi;
        atomic {
            sent++;
            meant[place(WRITER, head)] = sent + isLarge * IN_SLOT;
            head = head + 2;
            hasSlot = false;
            givenBack = 0
        };
        if
        :: isLarge ->
            use++;
#ifdef MUTATION_SLOT_WRITTEN_LATE
            publish();
            storeRelaxed(WRITER, SLOT, sent)
#else
            storeRelaxed(WRITER, SLOT, sent);
#ifdef MUTATION_SLOT_HELD
            if
            :: publish()
            :: skip
            fi
#else
            publish()
#endif
#endif
        :: else ->
            if
            :: publish()
            :: skip // held back in a batch
            fi
        fi
    :: else -> break
    od;
    publish()
}

inline release() {
    if
    :: released != position ->
        released = position;
        act(READER, CURSOR(READER), position, WRITER)
    :: else
    fi
}

proctype Reader() {
    byte taken, position, released, shown, style, seen, givenBack, uses, word;
    bit hasSlot;
    do
    :: taken < RECORDS ->
        loadAcquiring(READER, SHOWN(READER), shown);
        if
        :: shown > position ->
            atomic { word = meant[place(READER, position)]; meant[place(READER, position)] = 0; shown = 0 };
            if
            :: word == SWITCH ->
                // follow(_:)
                atomic {
                    assert(ringOf[READER] == 0 && isRingMapped);
                    ringOf[READER] = 1;
                    position = 0;
                    released = 0
                };
#ifndef MUTATION_FOLLOW_WAKES_NOBODY
                wakeArmed(READER, WRITER, seen);
#endif
                skip
            :: else ->
                atomic { taken++; position = position + 2 };
                if
                :: word > IN_SLOT ->
                    atomic { assert(word == taken + IN_SLOT); uses++ };
#ifdef MUTATION_SLOT_GIVEN_BACK_FIRST
                    act(READER, GIVEN_BACK, uses, WRITER);
#endif
                    loadAcquiring(READER, SLOT, word);
                    assert(word == taken);
#ifndef MUTATION_SLOT_GIVEN_BACK_FIRST
#ifdef MUTATION_SLOT_WAKES_NOBODY
                    storeSequential(READER, GIVEN_BACK, uses);
#else
                    act(READER, GIVEN_BACK, uses, WRITER);
#endif
#endif
                    skip
                :: else -> assert(word == taken)
                fi;
                if
                :: release()
                :: skip // kept back
                fi
            fi;
            word = 0
        :: else ->
            // arm(_:)
#ifndef MUTATION_KEPT_BACK
            release();
#endif
            wait(READER, READER, SHOWN(READER), shown, shown > position)
        fi
    :: else -> break
    od
}

// The reactor of the writer's process: hears bells and answers.
proctype WriterReactor() {
    byte found;
endless:
    do
    :: atomic { bells[WRITER] > 0 -> bells[WRITER]-- };
        wakeSlot(WRITER, found)
    // It wakes here too, which nobody waits for: a writer whose ring is full waits for room.
    :: atomic { isRingMapped && !isRingAccepted -> isRingAccepted = true }
    :: atomic { LARGE > 0 && !isSlotAccepted -> isSlotAccepted = true };
#ifndef MUTATION_ANSWER_WAKES_NOBODY
        wakeSlot(WRITER, found)
#endif
    od
}

// The reactor of the reader's process: hears bells, and maps what was offered.
proctype ReaderReactor() {
    byte found;
endless:
    do
    :: atomic { bells[READER] > 0 -> bells[READER]-- };
        wakeSlot(READER, found)
    :: atomic { !isRingMapped -> isRingMapped = true }
    od
}

init {
    atomic {
        runBuffer(WRITER);
        runBuffer(READER);
        run Writer();
        run Reader();
        run WriterReactor();
        run ReaderReactor()
    }
}
