import fc from 'fast-check';
import type { Member, Membership } from '../../../raft/core/membership.ts';
import type { VoterSets } from '../../../raft/core/quorum.ts';
import { type NodeId, nodeId } from '../../../raft/core/types.ts';

const names = Array.from({ length: 9 }, (_, place) => `n${place + 1}`);

const address = fc.option(
  fc.record({
    host: fc.constantFrom('10.0.0.1', 'node-7.example', '::1', 'h'),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
);

const role: fc.Arbitrary<Pick<Member, 'kind' | 'promotion'>> = fc.constantFrom<
  Pick<Member, 'kind' | 'promotion'>
>(
  { kind: 'voter', promotion: null },
  { kind: 'voter', promotion: null },
  { kind: 'witness', promotion: null },
  { kind: 'learner', promotion: null },
  { kind: 'learner', promotion: 'voter' },
  { kind: 'learner', promotion: 'witness' },
);

/** A configuration that a cluster can work in. */
export const configurations: fc.Arbitrary<readonly Member[]> = fc
  .uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: names.length })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id, place) =>
        fc.record({ part: role, address }).map(
          (drawn): Member => ({
            id: nodeId(id),
            address: drawn.address,
            ...(place === 0 ? { kind: 'voter', promotion: null } : drawn.part),
          }),
        ),
      ),
    ),
  );

export const memberships: fc.Arbitrary<Membership> = fc.record({
  incoming: configurations,
  outgoing: fc.oneof(fc.constant([]), configurations),
});

export const voterIds: NodeId[] = names.slice(0, 7).map(nodeId);
const voters = fc.subarray(voterIds, { minLength: 1 });

/** The voters of a configuration, joint or not. */
export const voterSets: fc.Arbitrary<VoterSets> = fc.record({
  incoming: voters,
  outgoing: fc.oneof(fc.constant([]), voters),
});
