import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyChanges, type MemberChange } from '../../../raft/core/member-changes.ts';
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
import { hasQuorum } from '../../../raft/core/quorum.ts';
import { nodeId } from '../../../raft/core/types.ts';
import { doQuorumsMeet, isQuorumOf } from '../safety-checker.ts';
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

test('any quorum of a configuration meets any quorum of the one before, through the joint one (I11)', () => {
  fc.assert(
    fc.property(configurations, configurations, (before, after) => {
      const old = { incoming: before, outgoing: [] };
      const joint = { incoming: after, outgoing: before };
      const next = { incoming: after, outgoing: [] };

      expect(doQuorumsMeet(old, joint)).toBe(true);
      expect(doQuorumsMeet(joint, next)).toBe(true);
      if (haveSameVoters(before, after)) expect(doQuorumsMeet(old, next)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('without the joint one they need not meet: five voters have a majority besides one of two of them', () => {
  const [few, many] = [
    [n1, n2],
    [n1, n2, n3, nodeId('n4'), nodeId('n5')],
  ].map((ids) => membershipOfVoters(ids));
  if (few === undefined || many === undefined) throw new Error('two configurations');

  expect(doQuorumsMeet(few, many)).toBe(false);
});

test('a majority is counted as the thesis says, whatever the learners say', () => {
  const ids = fc.subarray(Array.from({ length: 9 }, (_, place) => nodeId(`n${place + 1}`)));
  fc.assert(
    fc.property(memberships, ids, (membership, agreeing) => {
      const counted = hasQuorum(voterSetsOf(membership), (id) => agreeing.includes(id));
      expect(counted).toBe(isQuorumOf(membership, agreeing));
    }),
  );
});

test('changes lead from any configuration to any other, and back', () => {
  fc.assert(
    fc.property(configurations, configurations, (before, after) => {
      const there = applyChanges(before, differences(before, after));
      const back = applyChanges(after, differences(after, before));
      const isSame = byId(before).join() === byId(after).join();

      expect(there.kind === 'members' ? byId(there.members) : there.reason).toEqual(
        isSame ? 'nothing-changes' : byId(after),
      );
      expect(back.kind === 'members' ? byId(back.members) : back.reason).toEqual(
        isSame ? 'nothing-changes' : byId(before),
      );
    }),
  );
});

test('a change that cannot be made is named, and then none is', () => {
  const members = [voterMember(n1), voterMember(n2)];

  expect(
    applyChanges(members, [
      { kind: 'remove', id: n1 },
      { kind: 'remove', id: n1 },
    ]),
  ).toEqual({
    kind: 'refused',
    reason: 'unknown-member',
    detail: 'n1 is no member',
  });
  expect(applyChanges(members, [{ kind: 'add', member: witness('n2') }])).toMatchObject({
    reason: 'already-member',
  });
  expect(applyChanges(members, [{ kind: 'update', member: witness('n3') }])).toMatchObject({
    reason: 'unknown-member',
  });
  expect(applyChanges(members, [])).toMatchObject({ reason: 'nothing-changes' });
});

function differences(before: readonly Member[], after: readonly Member[]): MemberChange[] {
  const has = (members: readonly Member[], id: Member['id']): boolean =>
    members.some((member) => member.id === id);
  return [
    ...before
      .filter(({ id }) => !has(after, id))
      .map(({ id }): MemberChange => ({ kind: 'remove', id })),
    ...after.map(
      (member): MemberChange => ({ kind: has(before, member.id) ? 'update' : 'add', member }),
    ),
  ];
}

function byId(members: readonly Member[]): readonly string[] {
  return members.map((member) => JSON.stringify(member)).sort();
}
