import type { VoterSets } from './quorum.ts';
import type { NodeId } from './types.ts';

/**
 * What a member does. `voter`: replicates, votes, may lead and serve. `witness`: stores the log and votes, has no database, and
 * hands leadership on as soon as it is elected. `learner`: is replicated to, never counted, never campaigns (Raft thesis §4.2.1).
 */
export const memberKinds = ['voter', 'learner', 'witness'] as const;
export type MemberKind = (typeof memberKinds)[number];

/** Where a member's Raft listener is reached. */
export interface MemberAddress {
  readonly host: string;
  readonly port: number;
}

/** A node's part in a configuration. */
export interface Member {
  readonly id: NodeId;
  readonly kind: MemberKind;
  /** Null: whoever needs it has it from its own settings. */
  readonly address: MemberAddress | null;
  /** What the leader makes of a learner, on its own, once it is caught up; null leaves it one. Null for all other kinds. */
  readonly promotion: 'voter' | 'witness' | null;
}

/**
 * One configuration, or two while the cluster moves from one to the other (Raft thesis §4.3): then `outgoing` is the old one,
 * and every decision needs a majority of the voters of each. `outgoing` is empty otherwise.
 */
export interface Membership {
  readonly incoming: readonly Member[];
  readonly outgoing: readonly Member[];
}

/** Members of one configuration; a majority of more would need too many disks for each commit. */
export const membersMax = 32;

/** A node that waits to be added knows of nobody. */
export const emptyMembership: Membership = { incoming: [], outgoing: [] };

export function voterMember(id: NodeId, address: MemberAddress | null = null): Member {
  return { id, kind: 'voter', address, promotion: null };
}

/** What a cluster begins with: these voters, whose addresses everybody has from its settings. */
export function membershipOfVoters(ids: readonly NodeId[]): Membership {
  return { incoming: ids.map((id) => voterMember(id)), outgoing: [] };
}

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

export function isVoting(member: Member): boolean {
  return member.kind !== 'learner';
}

/** It has no database, or need not have one: a learner that becomes a witness takes none over. */
export function isWithoutState({ kind, promotion }: Member): boolean {
  return kind === 'witness' || promotion === 'witness';
}

/** Whose majorities decide: witnesses count, learners never do (HAZARDS I11). */
export function voterSetsOf(membership: Membership): VoterSets {
  return {
    incoming: votersOf(membership.incoming),
    outgoing: votersOf(membership.outgoing),
  };
}

/** Everybody who is replicated to: the members of the newer configuration, then who is about to leave. */
export function allMembers({ incoming, outgoing }: Membership): readonly Member[] {
  if (outgoing.length === 0) return incoming;
  const leaving = outgoing.filter((member) => !incoming.some(({ id }) => id === member.id));
  return [...incoming, ...leaving];
}

/** What a node is, by the newer configuration where both name it; null if neither does. */
export function memberOf({ incoming, outgoing }: Membership, id: NodeId): Member | null {
  // Loops, because this is asked for each peer after each step.
  for (const member of incoming) if (member.id === id) return member;
  for (const member of outgoing) if (member.id === id) return member;
  return null;
}

/** Whether two configurations are decided by the same voters: then one may follow the other without a joint one between. */
export function haveSameVoters(left: readonly Member[], right: readonly Member[]): boolean {
  const one = votersOf(left);
  const other = votersOf(right);
  return one.length === other.length && one.every((id) => other.includes(id));
}

/** Why this is no configuration a cluster can work in, or null. An empty one is none either. */
export function membershipFault({ incoming, outgoing }: Membership): string | null {
  const fault = configurationFault(incoming);
  if (fault !== null || outgoing.length === 0) return fault;
  return configurationFault(outgoing);
}

function configurationFault(members: readonly Member[]): string | null {
  if (members.length > membersMax) return `${members.length} members, ${membersMax} are the most`;
  const twice = members.find((member, place) =>
    members.some(({ id }, other) => id === member.id && other < place),
  );
  if (twice !== undefined) return `${twice.id} is named twice`;
  const odd = members.find(({ kind, promotion }) => kind !== 'learner' && promotion !== null);
  if (odd !== undefined) return `${odd.id} is a ${odd.kind} and cannot be promoted`;
  const misplaced = members.find(({ address }) => address !== null && !isAddress(address));
  if (misplaced !== undefined) return `${misplaced.id} has no usable address`;
  if (!members.some(isVoting)) return 'no voter is left';
  if (!members.some(({ kind }) => kind === 'voter')) return 'only witnesses are left';
  return null;
}

const hostPattern = /^[\x21-\x7e]{1,253}$/;
const portMax = 65_535;

/** A host name or address of printable ASCII, and a port. */
export function isAddress({ host, port }: MemberAddress): boolean {
  return hostPattern.test(host) && Number.isInteger(port) && port >= 1 && port <= portMax;
}

function votersOf(members: readonly Member[]): readonly NodeId[] {
  return members.filter(isVoting).map(({ id }) => id);
}
