import fc from 'fast-check';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { membershipOfVoters } from '../../../raft/core/membership.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { type EntryId, type LogIndex, logIndex, nodeId, term } from '../../../raft/core/types.ts';

/** Small numbers, and such that need more than 32 bits. */
const natural = fc.oneof(fc.nat(300), fc.integer({ min: 1, max: 2 ** 50 }));

function entryId(newestTerm: number): fc.Arbitrary<EntryId> {
  const none = fc.constant({ term: term(0), index: logIndex(0) });
  if (newestTerm === 0) return none;
  const some = fc.record({
    term: fc.integer({ min: 1, max: newestTerm }).map(term),
    index: natural.map((value) => logIndex(value + 1)),
  });
  return fc.oneof(none, some);
}

function entriesBehind(previous: EntryId, newestTerm: number): fc.Arbitrary<readonly Entry[]> {
  if (newestTerm === 0) return fc.constant([]);
  const one = fc.record({
    jump: fc.nat(2),
    kind: fc.constantFrom(...Object.values(EntryKind)),
    payload: fc.uint8Array({ maxLength: 40 }),
  });
  return fc.array(one, { maxLength: 5 }).map((made) => {
    let newest = Math.max(1, previous.term);
    return made.map(({ jump, kind, payload }, place) => {
      newest = Math.min(newestTerm, newest + jump);
      return { term: term(newest), index: logIndex(previous.index + 1 + place), kind, payload };
    });
  });
}

/** Of an entry that there is, in a term that has one. */
function installSnapshot(sent: number, last: EntryId): fc.Arbitrary<Message> {
  const covered = last.index === 0 ? { term: term(1), index: logIndex(1) } : last;
  const record = fc.record({
    index: fc.integer({ min: 1, max: covered.index }).map(logIndex),
    membership: fc.constantFrom(
      membershipOfVoters([nodeId('n1')]),
      membershipOfVoters(['n1', 'n2', 'n3'].map(nodeId)),
    ),
  });
  return fc.record({
    kind: fc.constant('install-snapshot' as const),
    term: fc.constant(term(Math.max(sent, covered.term))),
    meta: fc.record({ last: fc.constant(covered), membership: fc.option(record) }),
  });
}

export const message: fc.Arbitrary<Message> = natural.chain((sent) => {
  const ofTerm = fc.constant(term(sent));
  const last = entryId(sent);
  const index = natural.map(logIndex);
  const all: fc.Arbitrary<Message>[] = [
    fc.record({
      kind: fc.constant('pre-vote-request' as const),
      term: ofTerm,
      last,
      appliedIndex: index,
    }),
    fc.record({
      kind: fc.constantFrom('pre-vote-response' as const, 'vote-response' as const),
      term: ofTerm,
      granted: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('vote-request' as const),
      term: ofTerm,
      last,
      isTransfer: fc.boolean(),
    }),
    last.chain((previous) =>
      fc.record({
        kind: fc.constant('append-request' as const),
        term: ofTerm,
        previous: fc.constant(previous),
        entries: entriesBehind(previous, sent),
        commitIndex: index,
        readRound: natural,
      }),
    ),
    last.chain((conflict) =>
      fc.record({
        kind: fc.constant('append-response' as const),
        term: ofTerm,
        readRound: natural,
        appliedIndex: index,
        result: fc.oneof(
          fc.record({ kind: fc.constant('matched' as const), matchIndex: index }),
          fc.record({
            kind: fc.constant('conflict' as const),
            previousIndex: fc.nat(9).map((more) => logIndex(conflict.index + more)),
            conflict: fc.constant(conflict),
          }),
        ),
      }),
    ),
    fc.record({ kind: fc.constant('timeout-now' as const), term: ofTerm }),
    fc.record({
      kind: fc.constant('removed-notice' as const),
      term: ofTerm,
      member: fc.constantFrom(nodeId('n1'), nodeId('a-longer-name')),
      membershipIndex: index,
    }),
    last.chain((covered) => installSnapshot(sent, covered)),
    fc.record({
      kind: fc.constant('read-index-request' as const),
      term: ofTerm,
      readId: natural,
      incarnation: natural,
    }),
    fc.record({
      kind: fc.constant('read-index-response' as const),
      term: ofTerm,
      readId: natural,
      incarnation: natural,
      index: fc.option<LogIndex>(index),
    }),
  ];
  return fc.oneof(...all);
});
