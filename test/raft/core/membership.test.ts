import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  allMembers,
  haveSameVoters,
  type Member,
  type Membership,
  memberOf,
  membershipFault,
  membershipOfVoters,
  membersMax,
  voterMember,
  voterSetsOf,
} from '../../../raft/core/membership.ts';
import {
  decodeMembership,
  encodeMembership,
  membershipBytesMax,
} from '../../../raft/core/membership-codec.ts';
import { nodeId } from '../../../raft/core/types.ts';
import { configurations, memberships } from './membership-arbitraries.ts';

const [n1, n2, n3] = [nodeId('n1'), nodeId('n2'), nodeId('n3')];

function learner(id: string, promotion: Member['promotion'] = null): Member {
  return { id: nodeId(id), kind: 'learner', address: null, promotion };
}

function witness(id: string): Member {
  return { id: nodeId(id), kind: 'witness', address: null, promotion: null };
}

test('a membership survives its record', () => {
  fc.assert(
    fc.property(memberships, (membership) => {
      expect(decodeMembership(encodeMembership(membership))).toEqual({
        kind: 'membership',
        membership,
      });
    }),
  );
});

test('a record that is cut, prolonged or of another version is malformed, and nothing throws (S1)', () => {
  fc.assert(
    fc.property(memberships, fc.nat(), (membership, at) => {
      const bytes = encodeMembership(membership);

      expect(decodeMembership(bytes.subarray(0, at % bytes.length)).kind).toBe('malformed');
      expect(decodeMembership(Uint8Array.of(...bytes, 0)).kind).toBe('malformed');
      expect(decodeMembership(Uint8Array.of(2, ...bytes.subarray(1)))).toEqual({
        kind: 'malformed',
        reason: 'version 2, not 1',
      });
    }),
  );
});

test('any bytes are decoded to a usable membership or to a reason (S1)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const decoded = decodeMembership(bytes);
      if (decoded.kind === 'membership') expect(membershipFault(decoded.membership)).toBeNull();
      else expect(decoded.reason).not.toBe('');
    }),
  );
  expect(decodeMembership(new Uint8Array(membershipBytesMax + 1)).kind).toBe('malformed');
});

test('the largest membership fits the limit of a record', () => {
  const side = Array.from({ length: membersMax }, (_, place) =>
    voterMember(nodeId(`${'n'.repeat(29)}-${place}`), { host: 'h'.repeat(253), port: 65_535 }),
  );
  const bytes = encodeMembership({ incoming: side, outgoing: side });

  expect(bytes.length).toBeLessThanOrEqual(membershipBytesMax);
  expect(decodeMembership(bytes).kind).toBe('membership');
});

test('what no cluster can work in is named', () => {
  const faultOf = (incoming: readonly Member[], outgoing: readonly Member[] = []): string | null =>
    membershipFault({ incoming, outgoing });

  expect(faultOf([])).toBe('no voter is left');
  expect(faultOf([learner('n1')])).toBe('no voter is left');
  expect(faultOf([witness('n1'), learner('n2')])).toBe('only witnesses are left');
  expect(faultOf([voterMember(n1), witness('n1')])).toBe('n1 is named twice');
  expect(faultOf([{ ...voterMember(n1), promotion: 'voter' }])).toBe(
    'n1 is a voter and cannot be promoted',
  );
  expect(faultOf([voterMember(n1, { host: 'a b', port: 1 })])).toBe('n1 has no usable address');
  expect(faultOf([voterMember(n1, { host: 'a', port: 0 })])).toBe('n1 has no usable address');
  expect(faultOf([voterMember(n1)], [witness('n2')])).toBe('only witnesses are left');
  expect(
    faultOf(Array.from({ length: membersMax + 1 }, (_, place) => voterMember(nodeId(`n${place}`)))),
  ).toBe(`${membersMax + 1} members, ${membersMax} are the most`);
  expect(faultOf([voterMember(n1), witness('n2'), learner('n3', 'voter')])).toBeNull();
});

test('learners are in no set of voters, witnesses are (I11)', () => {
  fc.assert(
    fc.property(memberships, (membership) => {
      const sets = voterSetsOf(membership);
      for (const side of ['incoming', 'outgoing'] as const) {
        for (const { id, kind } of membership[side]) {
          expect(sets[side].includes(id)).toBe(kind !== 'learner');
        }
        expect(sets[side].length).toBeLessThanOrEqual(membership[side].length);
      }
    }),
  );
});

test('while joint, everybody of both is a member, and the newer configuration says what it is', () => {
  const membership: Membership = {
    incoming: [voterMember(n2), learner('n1')],
    outgoing: [voterMember(n1), voterMember(n2), voterMember(n3)],
  };

  expect(allMembers(membership).map(({ id }) => id)).toEqual([n2, n1, n3]);
  expect(memberOf(membership, n1)?.kind).toBe('learner');
  expect(memberOf(membership, n3)?.kind).toBe('voter');
  expect(memberOf(membership, nodeId('n4'))).toBeNull();
  expect(voterSetsOf(membership)).toEqual({ incoming: [n2], outgoing: [n1, n2, n3] });
});

test('the same voters are the same in any order, whatever the learners and addresses', () => {
  expect(haveSameVoters([voterMember(n1), witness('n2')], [witness('n2'), voterMember(n1)])).toBe(
    true,
  );
  expect(haveSameVoters([voterMember(n1)], [voterMember(n1), learner('n2')])).toBe(true);
  expect(haveSameVoters([voterMember(n1)], [voterMember(n1), voterMember(n2)])).toBe(false);
  fc.assert(
    fc.property(configurations, configurations, (left, right) => {
      const namesOf = (members: readonly Member[]): string[] =>
        [...voterSetsOf({ incoming: members, outgoing: [] }).incoming].sort();
      expect(haveSameVoters(left, right)).toBe(namesOf(left).join() === namesOf(right).join());
    }),
  );
});

test('a cluster begins with voters alone', () => {
  expect(membershipOfVoters([n1, n2])).toEqual({
    incoming: [voterMember(n1), voterMember(n2)],
    outgoing: [],
  });
});
