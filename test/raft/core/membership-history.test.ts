import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../../raft/core/entry.ts';
import { rememberedMembershipsMax } from '../../../raft/core/limits.ts';
import { emptyMembership, membershipOfVoters } from '../../../raft/core/membership.ts';
import { MembershipHistory, type MembershipRecord } from '../../../raft/core/membership-history.ts';
import { logIndex, nodeId } from '../../../raft/core/types.ts';
import { entriesOf, id, membershipEntry } from '../lone-node.ts';
import { configurations } from './membership-arbitraries.ts';

const initial: MembershipRecord = {
  index: logIndex(0),
  membership: membershipOfVoters([nodeId('n1')]),
};

/** Appends a configuration, or a data entry in its place, or cuts the log: 0 cuts all, 1 nothing. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('append' as const), members: fc.option(configurations) }),
    fc.record({
      kind: fc.constant('cut' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  ),
  { maxLength: 40 },
);

test('the configuration in effect is the newest in the log, after any appends and truncations', () => {
  fc.assert(
    fc.property(steps, (drawn) => {
      const history = new MembershipHistory(initial);
      let log: (MembershipRecord | null)[] = [];
      const newest = (): MembershipRecord => log.findLast((record) => record !== null) ?? initial;
      for (const step of drawn) {
        const before = newest();
        let hasChanged: boolean;
        if (step.kind === 'append') {
          const index = logIndex(log.length + 1);
          const membership = { incoming: step.members ?? [], outgoing: [] };
          log.push(step.members === null ? null : { index, membership });
          hasChanged = history.append([entryAt(log)]);
        } else {
          const from = 1 + Math.floor(step.share * log.length);
          log = log.slice(0, from - 1);
          hasChanged = history.truncateFrom(logIndex(from));
        }
        expect(history.current).toEqual(newest());
        expect(hasChanged).toBe(before.index !== newest().index);
        for (let index = 0; index <= log.length; index += 1) {
          const expected = log.slice(0, index).findLast((record) => record !== null) ?? initial;
          expect(history.at(logIndex(index))).toEqual(expected);
        }
      }
    }),
  );
});

function entryAt(log: readonly (MembershipRecord | null)[]): Entry {
  const record = log.at(-1) ?? null;
  const [data] = entriesOf([1], log.length);
  if (data === undefined) throw new Error('one entry');
  return record === null ? data : membershipEntry(record.membership, id(1, log.length));
}

test('what is remembered is bounded, and what is forgotten is not guessed', () => {
  const history = new MembershipHistory({ ...initial, membership: emptyMembership });
  const count = 2 * rememberedMembershipsMax;
  for (let index = 1; index <= count; index += 1) {
    history.append([membershipEntry(initial.membership, id(1, index))]);
  }

  expect(history.current.index).toBe(count);
  expect(history.at(logIndex(1))).toBeNull();
  expect(history.at(logIndex(count - 1))?.index).toBe(count - 1);
});
