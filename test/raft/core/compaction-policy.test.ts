import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type CompactionFacts,
  type CompactionLimits,
  compactionIndex,
} from '../../../raft/core/compaction-policy.ts';
import { logIndex, nodeId } from '../../../raft/core/types.ts';

const limits: CompactionLimits = { entriesKept: 10, entriesMax: 100, bytesMax: 100_000 };

function facts(changes: {
  readonly firstIndex?: number;
  readonly applied: number | null;
  readonly commit?: number;
  readonly others: readonly (number | null)[];
  readonly snapshotIndex?: number;
  readonly entryBytes?: number;
}): CompactionFacts {
  return {
    firstIndex: logIndex(changes.firstIndex ?? 1),
    commitIndex: logIndex(changes.commit ?? changes.applied ?? 0),
    durablyAppliedIndex: changes.applied === null ? null : logIndex(changes.applied),
    snapshotIndex: logIndex(changes.snapshotIndex ?? 0),
    others: changes.others.map((applied, place) => ({
      id: nodeId(`n${place + 2}`),
      durablyAppliedIndex: applied === null ? null : logIndex(applied),
    })),
    entryBytes: changes.entryBytes ?? 100,
  };
}

test('what every node has durably applied goes, but for the newest entries', () => {
  expect(compactionIndex(facts({ applied: 50, others: [45, 48] }), limits)).toBe(40);
  expect(compactionIndex(facts({ applied: 50, others: [20, 48] }), limits)).toBe(20);
});

test('a node that is behind, or not heard of, keeps the log', () => {
  expect(compactionIndex(facts({ applied: 90, others: [90, 0] }), limits)).toBeNull();
  expect(compactionIndex(facts({ applied: 90, others: [90, null] }), limits)).toBeNull();
});

test('a log above its limit in entries or in bytes is cut behind the newest snapshot', () => {
  const many = facts({ applied: 150, others: [150, 3], snapshotIndex: 120 });
  const large = facts({ applied: 60, others: [60, 3], snapshotIndex: 55, entryBytes: 5000 });

  expect(compactionIndex(many, limits)).toBe(120);
  expect(compactionIndex(large, limits)).toBe(55);
});

test('without a snapshot a log grows past its limit rather than lose what a node needs', () => {
  expect(compactionIndex(facts({ applied: 500, others: [500, 3] }), limits)).toBe(3);
  expect(compactionIndex(facts({ applied: 500, others: [500, null] }), limits)).toBeNull();
});

test('a witness goes by what the others have applied, and no further than its own log is committed', () => {
  const witness = { applied: null, commit: 50 } as const;

  expect(compactionIndex(facts({ ...witness, others: [30, 45] }), limits)).toBe(30);
  expect(compactionIndex(facts({ ...witness, others: [90, 95] }), limits)).toBe(40);
  expect(compactionIndex(facts({ ...witness, others: [90, null] }), limits)).toBeNull();
  expect(compactionIndex(facts({ ...witness, others: [] }), limits)).toBeNull();
  expect(compactionIndex(facts({ applied: null, commit: 5000, others: [7] }), limits)).toBe(7);
});

test('whatever the facts, nothing goes that is not applied, or that somebody needs and no snapshot covers', () => {
  const index = fc.nat(300);
  const drawn = fc.record({
    firstIndex: fc.integer({ min: 1, max: 200 }),
    applied: fc.option(index),
    commit: index,
    others: fc.array(fc.option(index), { maxLength: 4 }),
    snapshotIndex: index,
    entryBytes: fc.integer({ min: 1, max: 5000 }),
  });
  fc.assert(
    fc.property(drawn, (given) => {
      const found = compactionIndex(facts(given), limits);

      if (found === null) return;
      expect(found).toBeGreaterThanOrEqual(given.firstIndex);
      expect(found).toBeLessThanOrEqual(Math.min(given.applied ?? given.commit, given.commit));
      const isApplied = given.others.every((other) => other !== null && other >= found);
      const isAnywhere = given.applied !== null || given.others.length > 0;
      expect((isApplied && isAnywhere) || found <= given.snapshotIndex).toBe(true);
    }),
  );
});
