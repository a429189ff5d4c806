// Naru: messages between programs by the fastest valid mechanism.
// Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
//
// The ring: how records are committed, found, taken and their room given back (NaruRing).
//
// One word stands for 8 bytes. A header word is 1 + the payload's words, padding is a number of its own, and every
// payload word is a number that no other record has. What the writer meant is noted beside the ring, so that the reader
// notices any word that is not what it should see there, were it the remains of a payload of an earlier round.
//
// A ring of RING words carries RECORDS records, enough to go round several times. Each has 0 to LONGEST words, is sent
// alone or in a batch, copied or by a loan that may end shorter than it began; one loan is given back.

#ifndef RING
#define RING 4
#endif
#ifndef RECORDS
#define RECORDS 7
#endif
#define LONGEST (RING / 4)

#define PADDING 100
#define RUBBISH 99

// The ring's words, then the reader's cursor.
#define CURSOR RING
#define WORDS (RING + 1)
#define THREADS 1
#ifndef DEPTH
#define DEPTH 5
#endif
#define WRITER 0
#include "memory.pml"

#define offset(position) ((position) % RING)

// What the writer meant, for the assertions only: where each record begins and how long it is, how many were shown, and
// up to where the reader has released.
byte start[RECORDS];
byte length[RECORDS];
byte shown;
byte released;

// Stores a word of the ring, which must be the writer's: not a word that the reader has not released.
inline write(position, value) {
    assert(position - released < RING);
    storeRelaxed(WRITER, offset(position), value)
}

// Adds a record to those that the reader does not see yet.
inline put(word, position) {
    if
    :: pendingWord == 0 -> pendingWord = word
    :: else -> write(position, word)
    fi
}

// Shows the reader what it does not see yet: zeroes the header word after it, then stores the first header word.
inline publish() {
    if
    :: pendingWord != 0 ->
#if !defined(MUTATION_NO_ZERO) && !defined(MUTATION_ZERO_AFTER_COMMIT)
        write(head, 0);
#endif
        assert(visible - released < RING);
#ifdef MUTATION_COMMIT_RELAXED
        atomic { storeRelaxed(WRITER, offset(visible), pendingWord); shown = record };
#else
        atomic { storeSequential(WRITER, offset(visible), pendingWord); shown = record };
#endif
#ifdef MUTATION_ZERO_AFTER_COMMIT
        write(head, 0);
#endif
        pendingWord = 0;
        visible = head
    :: else
    fi
}

// Reads how far the reader has released, and checks it as the lane does.
inline readCursor() {
    loadSequential(WRITER, CURSOR, cursor);
    assert(cursor + RING >= limit && cursor <= visible);
    limit = cursor + RING
}

proctype Writer() {
    byte head, visible, pendingWord, limit = RING, record, cursor;
    byte words, reserved, at, padding, next;
    bit isHolding, isAborted, wasAborted;
    do
    :: record < RECORDS ->
        // What the caller wants: the record's words and those of the loan in which it is written, a batch, to give up.
        atomic {
            select(words : 0 .. LONGEST);
            select(reserved : words .. LONGEST);
            if
            :: isHolding = true
            :: skip
            fi;
            if
            :: !wasAborted -> isAborted = true; wasAborted = true
            :: skip
            fi
        };
again:
        // need(_:)
        atomic {
            padding = 0;
            if
#ifndef MUTATION_NO_PADDING
            :: offset(head) + reserved + 1 > RING -> padding = RING - offset(head)
#endif
            :: else
            fi;
            at = head + padding;
#ifdef MUTATION_NO_ROOM_FOR_ZERO
            next = at + reserved + 1
#else
            next = at + reserved + 2
#endif
        };
        if
        :: next > limit ->
            readCursor();
            if
#ifdef MUTATION_NO_ROOM_CHECK
            :: skip
#endif
            :: next > limit ->
#ifndef MUTATION_HELD_WHILE_FULL
                publish();
#endif
                // Waits; the arming has a model of its own.
                memory[CURSOR] + RING > limit;
                goto again
            :: else
            fi
        :: else
        fi;
        // The payload; words of the loan that the record does not take are rubbish.
        assert(offset(at) + words + 1 <= RING);
        next = 0;
        do
        :: next < reserved ->
            next++;
            if
            :: next <= words -> write(at + next, record + 10)
            :: else -> write(at + next, RUBBISH)
            fi
        :: else -> break
        od;
        if
        :: isAborted -> isAborted = false
        :: else ->
            // append(_:at:stride:)
            start[record] = at;
            length[record] = words;
            if
            :: padding > 0 -> put(PADDING + padding, head)
            :: else
            fi;
            put(words + 1, at);
            record++;
            head = at + words + 1;
            if
            :: isHolding
            :: isHolding = false; publish()
            fi
        fi
    :: else -> break
    od;
    publish()
}

// Reads the payload of the record at `position`, which must be whole and the record's own.
inline readPayload() {
    next = 0;
    do
    :: next < length[taken] ->
        next++;
        assert(memory[offset(position + next)] == taken + 10)
    :: else -> break
    od;
    next = 0
}

// Gives the writer the room up to `to`. The reader's only stores, so that a buffer would only delay them.
inline release(to) {
    atomic { memory[CURSOR] = to; released = to }
}

proctype Reader() {
    byte position, word, taken, next, early;
    do
    :: taken < RECORDS ->
        // Waits; the arming has a model of its own.
        memory[offset(position)] != 0;
        // drain(_:_:)
        do
        :: taken < RECORDS ->
#ifdef MUTATION_HEADER_RELAXED
            // A load that does not acquire lets the payload's loads go first.
            early = memory[offset(position + 1)];
#endif
            word = memory[offset(position)];
            if
            :: word == 0 -> break
            :: word > PADDING ->
                assert(word == PADDING + RING - offset(position));
                assert(taken < shown);
                position = position + RING - offset(position)
            :: else ->
                assert(taken < shown);
                assert(position == start[taken] && word == length[taken] + 1);
#ifdef MUTATION_HEADER_RELAXED
                assert(word == 1 || early == taken + 10);
#endif
#ifdef MUTATION_RELEASE_BEFORE_READ
                // Also what a cursor that does not release permits.
                release(position + word);
#endif
                readPayload();
                // What the writer meant with a record that was taken no longer matters.
                d_step {
                    start[taken] = 0;
                    length[taken] = 0;
                    position = position + word;
                    taken++;
                    word = 0
                };
                // A sixteenth of the ring, or the end of a drain.
                if
                :: release(position)
                :: skip
                fi;
                if
                :: break
                :: skip
                fi
            fi
        :: else -> break
        od;
        word = 0;
        if
        :: position != released -> release(position)
        :: else
        fi
    :: else -> break
    od
}

init {
    atomic {
        runBuffer(WRITER);
        run Writer();
        run Reader()
    }
}
