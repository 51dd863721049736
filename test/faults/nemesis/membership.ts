import type { MemberRequest } from '../../../admin/member-change.ts';
import { requestMemberChange } from '../../../cli/admin-client.ts';
import { eventually } from '../../support/eventually.ts';
import type { FaultSite } from '../site.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Nemesis, Observation, StruckFault } from './nemesis.ts';
import { servingLeader, statuses } from './serving-leader.ts';
import { nodeOf, randomFollower } from './sql-faults.ts';

// A node leaves the cluster while it works and comes back later, with its data and what it missed (HAZARDS N9). The leader may be the one:
// it hands leadership on.

const leavesMs = 60_000;
/** Another fault may have to end first, or the node has a server to recover before it has caught up. */
const returnsMs = 180_000;

/** By the names of the catalogue. */
export const membership: Nemesis = {
  async strike(strike): Promise<StruckFault> {
    const { site, variant } = strike;
    const leader = await servingLeader(site);
    const node = variant === 'leader' ? nodeOf(site, leader.id) : randomFollower(strike, leader);
    const atMs = performance.now();
    const left = await changed(site, { kind: 'remove', node: node.id }, leavesMs);
    return {
      ...{ atMs, confirmed: left !== null, isMajorityWhole: true },
      detail: `${node.id}, ${variant} until then, ${left === null ? 'did NOT leave' : `left: ${left}`}`,
      end: () => comesBack(site, node.id),
    };
  },
};

async function comesBack(site: FaultSite, id: string): Promise<Observation> {
  const back = await changed(site, { kind: 'add', node: id }, returnsMs);
  const all = await allPlayRoles(site);
  return {
    atMs: performance.now(),
    confirmed: back !== null && all.confirmed,
    detail: `${id} ${back === null ? 'is NOT back' : `is back: ${back}`}; ${all.detail}`,
  };
}

/**
 * Asks until the nodes say that it is so, and says what they say; null after too long. A change that was refused, or of which nobody knows
 * what became, is asked for again only while the leader's members say that it did not come about.
 */
async function changed(
  site: FaultSite,
  request: MemberRequest,
  forMs: number,
): Promise<string | null> {
  const done = eventually(
    async () => {
      const members = await membersOfLeader(site);
      if (members === null) return null;
      const kind = members.get(request.node);
      const isSo =
        request.kind === 'remove'
          ? kind === undefined
          : kind === 'voter' && (await isVoter(site, request.node));
      if (isSo) {
        return [...members].map(([id, itsKind]) => `${id} ${itsKind}`).join(', ');
      }
      const isToAsk = request.kind === 'remove' || kind === undefined;
      if (isToAsk) await ask(site, request);
      return null;
    },
    `${request.node}: ${request.kind}`,
    forMs,
  );
  return await done.catch(() => null);
}

/** Of one that stays: whoever is asked passes it on. */
async function ask(site: FaultSite, request: MemberRequest): Promise<void> {
  for (const { id, host, adminPort } of site.nodes) {
    if (id === request.node) continue;
    const address = { host, port: adminPort, password: site.adminPassword };
    const report = await requestMemberChange(address, request).catch(() => null);
    if (report?.outcome === 'changed') return;
  }
}

/** What each member is, as the leader of the newest term has it; null while there is none, or while it changes. */
async function membersOfLeader(site: FaultSite): Promise<ReadonlyMap<string, string> | null> {
  const answers = await statuses(site);
  const term = Math.max(...answers.map(({ raft }) => raft.term));
  const leader = answers.find(({ raft }) => raft.term === term && raft.role === 'leader');
  if (leader === undefined) return null;
  const { incoming, outgoing } = leader.raft.membership;
  if (outgoing.length > 0 || leader.raft.commitIndex < leader.raft.membershipIndex) return null;
  return new Map(incoming.map(({ id, kind }) => [id, kind]));
}

/** By its own account, which it has from the log. */
async function isVoter(site: FaultSite, id: string): Promise<boolean> {
  const status = await site.status(id);
  return status?.raft.memberKind === 'voter' && !status.raft.isRemoved;
}
