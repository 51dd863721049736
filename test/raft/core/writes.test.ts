import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryKind } from '../../../raft/core/entry.ts';
import { logIndex, nodeId, term } from '../../../raft/core/types.ts';
import { Writes } from '../../../raft/core/writes.ts';

function entry(entryTerm: number, index: number) {
  const payload = new Uint8Array(0);
  return { term: term(entryTerm), index: logIndex(index), kind: EntryKind.data, payload };
}

test('everything a step changes is one write (HAZARDS R2)', () => {
  const writes = new Writes(logIndex(2));

  writes.stageHardState({ term: term(4), votedFor: nodeId('n1') });
  writes.stageTruncation(logIndex(2));
  writes.stageEntries([entry(4, 2), entry(4, 3)]);

  expect(writes.take(logIndex(3))).toEqual({
    kind: 'persist',
    ioId: 1,
    hardState: { term: 4, votedFor: 'n1' },
    truncateFrom: 2,
    snapshot: null,
    entries: [entry(4, 2), entry(4, 3)],
  });
  expect(writes.take(logIndex(3))).toBeNull();
});

test('term and vote are waited for until their own write is done, the rest until the last', () => {
  const writes = new Writes(logIndex(0));
  writes.stageHardState({ term: term(1), votedFor: null });
  expect(writes.hardState).toBe(1);
  writes.take(logIndex(0));
  writes.stageEntries([entry(1, 1)]);
  writes.take(logIndex(1));

  writes.complete(1);
  expect([writes.hardState, writes.everything]).toEqual([null, 2]);
  writes.complete(2);
  expect([writes.hardState, writes.everything]).toEqual([null, null]);
});

test('completions of writes that were never ordered are a broken shell', () => {
  expect(() => new Writes(logIndex(0)).complete(1)).toThrow('never ordered');
});

interface Action {
  readonly kind: 'append' | 'overwrite' | 'complete';
  readonly amount: number;
}

/** The same writes on arrays of terms: the log as it is in memory, and as the disk has it. */
class Twins {
  readonly writes: Writes = new Writes(logIndex(0));
  readonly log: number[] = [];
  readonly #disk: number[] = [];
  readonly #ordered: { readonly from: number; readonly terms: readonly number[] }[] = [];
  #done = 0;

  tell({ kind, amount }: Action): void {
    if (kind === 'complete') this.#complete(amount);
    else
      this.#order(
        kind === 'append' ? this.log.length : Math.max(0, this.log.length - amount),
        amount,
      );
  }

  get isAllDone(): boolean {
    return this.#done === this.#ordered.length;
  }

  /** How much of the log is on the disk as it is in memory. */
  get equalLength(): number {
    const different = this.log.findIndex((value, place) => this.#disk[place] !== value);
    return different === -1 ? this.log.length : different;
  }

  #order(from: number, amount: number): void {
    const newTerm = this.#ordered.length + 1;
    const terms = Array.from({ length: amount }, () => newTerm);
    if (from < this.log.length) this.writes.stageTruncation(logIndex(from + 1));
    this.log.splice(from, this.log.length, ...terms);
    this.writes.stageEntries(terms.map((value, place) => entry(value, from + 1 + place)));
    this.writes.take(logIndex(this.log.length));
    this.#ordered.push({ from, terms });
  }

  #complete(amount: number): void {
    for (const { from, terms } of this.#ordered.slice(this.#done, this.#done + amount)) {
      this.#disk.splice(from, this.#disk.length, ...terms);
      this.#done += 1;
    }
    this.writes.complete(this.#done);
  }
}

test('the persisted index never counts what the disk does not have as the log has it (HAZARDS R13)', () => {
  const actions: fc.Arbitrary<Action[]> = fc.array(
    fc.record({
      kind: fc.constantFrom('append' as const, 'overwrite' as const, 'complete' as const),
      amount: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(actions, (script) => {
      const twins = new Twins();
      for (const action of script) {
        twins.tell(action);

        expect(twins.writes.persistedIndex).toBeLessThanOrEqual(twins.equalLength);
        if (twins.isAllDone) expect(twins.writes.persistedIndex).toBe(twins.log.length);
      }
    }),
  );
});
