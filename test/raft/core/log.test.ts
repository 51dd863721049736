import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { entryOverheadBytes } from '../../../raft/core/limits.ts';
import { RaftLog } from '../../../raft/core/log.ts';
import { logIndex, term } from '../../../raft/core/types.ts';

function entry(entryTerm: number, index: number, bytes = 0): Entry {
  return {
    term: term(entryTerm),
    index: logIndex(index),
    kind: EntryKind.data,
    payload: new Uint8Array(bytes),
  };
}

function emptyLog(): RaftLog {
  return new RaftLog({
    hardState: { term: term(0), votedFor: null },
    snapshot: null,
    firstIndex: logIndex(1),
    lastIndex: logIndex(0),
    termRuns: [],
    membershipEntries: [],
  });
}

interface Action {
  readonly kind: 'append' | 'truncate' | 'commit';
  readonly amount: number;
  readonly termStep: number;
}

/** The real log beside an array, told the same. */
class Twins {
  readonly log: RaftLog = emptyLog();
  readonly naive: Entry[] = [];
  committed = 0;

  tell({ kind, amount, termStep }: Action): void {
    if (kind === 'append') this.#append(amount, termStep);
    else if (kind === 'truncate') this.#truncate(amount);
    else this.#commit(amount);
  }

  #append(amount: number, termStep: number): void {
    const next = Math.max(1, (this.naive.at(-1)?.term ?? 0) + termStep);
    const entries = Array.from({ length: amount }, (_, place) =>
      entry(next, this.naive.length + 1 + place, amount),
    );
    this.log.append(entries);
    this.naive.push(...entries);
  }

  #truncate(amount: number): void {
    const from = Math.max(this.committed + 1, this.naive.length - amount + 1);
    if (from > this.naive.length) return;
    this.log.truncateFrom(logIndex(from));
    this.naive.length = from - 1;
  }

  #commit(amount: number): void {
    this.committed = Math.min(this.naive.length, this.committed + amount);
    this.log.commitTo(logIndex(this.committed));
  }
}

test('a log is what an array of entries is, through appends, truncations and commits', () => {
  const actions: fc.Arbitrary<Action[]> = fc.array(
    fc.record({
      kind: fc.constantFrom('append' as const, 'truncate' as const, 'commit' as const),
      amount: fc.integer({ min: 1, max: 5 }),
      termStep: fc.nat(1),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(actions, (script) => {
      const twins = new Twins();

      for (const action of script) twins.tell(action);

      const { log, naive, committed } = twins;
      expect(log.lastIndex).toBe(naive.length);
      expect(log.commitIndex).toBe(committed);
      for (const held of naive) {
        expect(log.holds(held)).toBe(true);
        expect(log.costAt(held.index, 99)).toBe(held.payload.length + entryOverheadBytes);
      }
    }),
  );
});

test('what is committed is never cut off, and the commit index never passes the log', () => {
  const log = emptyLog();
  log.append([entry(1, 1), entry(1, 2)]);
  log.commitTo(logIndex(1));

  expect(() => log.truncateFrom(logIndex(1))).toThrow('committed');
  expect(() => log.commitTo(logIndex(3))).toThrow('past the last');
  expect(() => log.commitTo(logIndex(0))).toThrow('goes back');
});

test('what MySQL has applied counts once it is known to be committed, and never goes back', () => {
  const log = emptyLog();
  log.append([entry(1, 1), entry(1, 2), entry(1, 3)]);

  log.reportApplied(logIndex(2));
  expect(log.appliedIndex).toBe(0);
  log.commitTo(logIndex(3));
  expect(log.appliedIndex).toBe(2);
  log.reportApplied(logIndex(1));
  expect(log.appliedIndex).toBe(2);
});

test('what was compacted away was applied, whatever MySQL says after a restart', () => {
  const log = new RaftLog({
    hardState: { term: term(2), votedFor: null },
    snapshot: { last: { term: term(2), index: logIndex(9) }, membership: null },
    firstIndex: logIndex(10),
    lastIndex: logIndex(10),
    termRuns: [{ term: term(2), firstIndex: logIndex(10) }],
    membershipEntries: [],
  });
  expect(log.reportedAppliedIndex).toBeNull();
  expect(log.appliedIndex).toBe(9);

  log.reportApplied(logIndex(4));
  expect(log.reportedAppliedIndex).toBe(9);
  log.reportApplied(logIndex(44));
  expect(log.reportedAppliedIndex).toBe(10);
});

test('a restored log knows its terms, and the size of nothing', () => {
  const log = new RaftLog({
    hardState: { term: term(7), votedFor: null },
    snapshot: null,
    firstIndex: logIndex(1),
    lastIndex: logIndex(5),
    membershipEntries: [],
    termRuns: [
      { term: term(2), firstIndex: logIndex(1) },
      { term: term(6), firstIndex: logIndex(4) },
    ],
  });

  expect([1, 3, 4, 5].map((index) => log.termAt(logIndex(index)))).toEqual([2, 2, 6, 6]);
  expect(log.costAt(5, 99)).toBe(99 + entryOverheadBytes);
});

test('a store with a hole or with more than its runs say is refused', () => {
  const hardState = { term: term(9), votedFor: null };
  const firstIndex = logIndex(1);
  const snapshot = null;
  const hole = [{ term: term(1), firstIndex: logIndex(2) }];

  expect(
    () =>
      new RaftLog({
        hardState,
        snapshot,
        firstIndex,
        lastIndex: logIndex(3),
        termRuns: hole,
        membershipEntries: [],
      }),
  ).toThrow('leaves no hole');
  expect(
    () =>
      new RaftLog({
        hardState,
        snapshot,
        firstIndex,
        lastIndex: logIndex(3),
        termRuns: [],
        membershipEntries: [],
      }),
  ).toThrow('cover the whole log');
});
