import type { MemberChange } from '../../../raft/core/member-changes.ts';
import {
  isJoint,
  isVoting,
  type Member,
  type Membership,
  voterMember,
} from '../../../raft/core/membership.ts';
import { type NodeId, nodeId } from '../../../raft/core/types.ts';
import type { RaftNode } from '../../../raft/node.ts';
import type { Simulation } from '../kernel/index.ts';

const inspectionUs = 1_000_000;
/** What a learner is given to catch up before it takes a voter's place. */
const swapUs = 1_500_000;

/** A node over all its lives, as an operator sees it. */
export interface OperatedNode {
  readonly id: NodeId;
  /** Null while it is down, and while it starts. */
  readonly raft: RaftNode | null;
  readonly isLeader: boolean;
  /** Why it can never be started again; null while it can. */
  readonly ruin: string | null;
  /** Its log is as it was written; a damage that nobody has met yet counts. */
  readonly isWhole: boolean;
  readonly isRetired: boolean;
  start(): void;
  /** Stops it for good: it is no member any more. */
  retire(): void;
}

export interface RaftClusterOptions<Node extends OperatedNode> {
  readonly simulation: Simulation;
  readonly nodeCount: number;
  /** Whether the last of the first nodes keeps the log only. */
  readonly hasWitness: boolean;
  /** Members beyond which nobody is added. */
  readonly membersMax: number;
  /** `member` is what the node is to become; `initialMembers` is empty for one that waits to be added. */
  readonly create: (member: Member, initialMembers: readonly Member[]) => Node;
  readonly count: (what: string) => void;
}

/**
 * All nodes there ever were, and the operator who looks after them: replaces those whose log is lost by new ones (never by
 * the same id, H27), and stops those that were removed, some time later.
 */
export class RaftCluster<Node extends OperatedNode> {
  readonly initial: Membership;
  readonly #options: RaftClusterOptions<Node>;
  readonly #members: Node[] = [];
  readonly #retiring = new Set<NodeId>();
  /** What each node had in effect when it was last seen up: nobody can be asked while all are down. */
  readonly #memberships = new Map<NodeId, Membership>();
  /** Those that came later and had a vote. */
  readonly #joined = new Set<NodeId>();

  constructor(options: RaftClusterOptions<Node>) {
    this.#options = options;
    const { nodeCount, hasWitness } = options;
    const incoming = Array.from({ length: nodeCount }, (_, place): Member => {
      const isWitness = hasWitness && place === nodeCount - 1;
      const member = voterMember(nodeId(`n${place + 1}`));
      return isWitness ? { ...member, kind: 'witness' } : member;
    });
    this.initial = { incoming, outgoing: [] };
    for (const member of incoming) this.#members.push(options.create(member, incoming));
  }

  /** Those that are not stopped for good, in the order in which they came. */
  get members(): readonly Node[] {
    return this.#members.filter(({ isRetired }) => !isRetired);
  }

  get everyMember(): readonly Node[] {
    return this.#members;
  }

  start(): void {
    for (const member of this.#members) member.start();
    this.#options.simulation.after(inspectionUs, () => this.#inspect());
  }

  /** The leader of the newest term among those that run. */
  get leader(): Node | undefined {
    const termOf = (member: Node): number => member.raft?.status.term ?? 0;
    return this.members
      .filter((member) => member.isLeader)
      .toSorted((left, right) => termOf(right) - termOf(left))[0];
  }

  /** The configuration that the leader has, if it is committed and no change is under way. */
  get settledMembership(): Membership | null {
    const status = this.leader?.raft?.status;
    if (status === undefined || status.leaderReadyIndex === null) return null;
    const { membership, membershipIndex, commitIndex } = status;
    return isJoint(membership) || membershipIndex > commitIndex ? null : membership;
  }

  /** The nodes of that configuration, unless somebody in it still waits for a promotion. */
  get settledNodes(): readonly Node[] | null {
    const incoming = this.settledMembership?.incoming ?? null;
    if (incoming === null || incoming.some(({ promotion }) => promotion !== null)) return null;
    return this.members.filter((member) => incoming.some(({ id }) => id === member.id));
  }

  /** Whether this node may lose its log for ever: a majority of every configuration in use must keep theirs (R16). */
  mayRuin(victim: Node): boolean {
    if (!victim.isWhole) return false;
    this.#lookAtMemberships();
    const known = this.members
      .map(({ id }) => this.#memberships.get(id))
      .filter((membership) => membership !== undefined);
    const sets = [this.initial, ...known]
      .flatMap(({ incoming, outgoing }) => [incoming, outgoing])
      .filter((set) => set.length > 0);
    const isVoter = sets.some((set) =>
      set.some((member) => member.id === victim.id && isVoting(member)),
    );
    return isVoter && sets.every((set) => this.#hasMajority(set, victim.id));
  }

  #lookAtMemberships(): void {
    for (const { id, raft } of this.members) {
      if (raft !== null) this.#memberships.set(id, raft.status.membership);
    }
  }

  /** Whether the voters of the set whose log is whole are a majority of it, without this one. */
  #hasMajority(set: readonly Member[], without: NodeId | null): boolean {
    const voters = set.filter(isVoting);
    const whole = voters.filter(({ id }) => id !== without && this.#find(id)?.isWhole === true);
    return whole.length * 2 > voters.length;
  }

  // Changes of members (N9).

  add(promotion: 'voter' | 'witness'): void {
    if (this.#hasRoom) this.#change([{ kind: 'add', member: this.#newLearner(promotion) }]);
  }

  /** All of them at once. */
  remove(ids: readonly NodeId[]): void {
    if (this.#mayLeave(ids, 2)) this.#change(ids.map((id) => ({ kind: 'remove', id })));
  }

  /** `databasesMin`: how many members with a database must stay; one that is lost anyway need not be waited for. */
  replace(id: NodeId, databasesMin = 2): void {
    const kind = this.settledMembership?.incoming.find((member) => member.id === id)?.kind;
    if (kind === undefined || !this.#mayLeave([id], databasesMin)) return;
    const added = this.#newLearner(kind === 'witness' ? 'witness' : 'voter');
    this.#change([
      { kind: 'remove', id },
      { kind: 'add', member: added },
    ]);
  }

  /** A learner takes the place of a voter in one step: a majority before and a majority after need have nobody in common. */
  swap(id: NodeId): void {
    if (!this.#hasRoom) return;
    const learner = this.#newLearner(null);
    this.#change([{ kind: 'add', member: learner }]);
    this.#options.simulation.after(swapUs, () => {
      if (!this.#mayLeave([id], 2)) return;
      this.#change([
        { kind: 'remove', id },
        { kind: 'update', member: voterMember(learner.id) },
      ]);
    });
  }

  get #hasRoom(): boolean {
    const membership = this.settledMembership;
    return membership !== null && membership.incoming.length < this.#options.membersMax;
  }

  #mayLeave(ids: readonly NodeId[], databasesMin: number): boolean {
    const membership = this.settledMembership;
    if (membership === null) return false;
    const left = membership.incoming.filter((member) => !ids.includes(member.id));
    const databases = left.filter(({ kind }) => kind === 'voter');
    return (
      left.length === membership.incoming.length - new Set(ids).size &&
      databases.length >= databasesMin &&
      this.#hasMajority(left, null)
    );
  }

  #newLearner(promotion: Member['promotion']): Member {
    const id = nodeId(`n${this.#members.length + 1}`);
    const member: Member = { id, kind: 'learner', address: null, promotion };
    const node = this.#options.create(member, []);
    this.#members.push(node);
    node.start();
    return member;
  }

  #change(changes: readonly MemberChange[]): void {
    const node = this.leader?.raft ?? null;
    if (node === null) return;
    const { simulation, count } = this.#options;
    const text = changes
      .map((change) => (change.kind === 'remove' ? `-${change.id}` : `+${change.member.id}`))
      .join(' ');
    simulation.log('operator', `asks ${node.status.id} for ${text}`, 'news');
    node.changeMembership(changes).then(
      () => count('member-changes'),
      // Refused or unsettled: whoever was to be added is stopped in time, or is a member after all.
      () => count('member-changes-failed'),
    );
  }

  // The operator.

  #inspect(): void {
    const { simulation } = this.#options;
    simulation.after(inspectionUs, () => this.#inspect());
    this.#lookAtMemberships();
    const membership = this.settledMembership;
    if (membership === null) return;
    for (const member of membership.incoming) this.#noteJoined(member);
    const ruined = membership.incoming.find(({ id }) => this.#find(id)?.ruin !== null);
    if (ruined !== undefined) this.replace(ruined.id, 1);
    for (const member of this.members) {
      if (membership.incoming.some(({ id }) => id === member.id)) continue;
      this.#retireLater(member);
    }
  }

  #noteJoined(member: Member): void {
    const isInitial = this.initial.incoming.some(({ id }) => id === member.id);
    if (isInitial || !isVoting(member) || this.#joined.has(member.id)) return;
    this.#joined.add(member.id);
    this.#options.count(member.kind === 'witness' ? 'witnesses-joined' : 'nodes-joined');
  }

  /** Not at once: a node that was removed goes on for a while, and must not disturb (R7). */
  #retireLater(member: Node): void {
    if (this.#retiring.has(member.id)) return;
    const { simulation, count } = this.#options;
    this.#retiring.add(member.id);
    const waitUs = simulation.random('operator').below(2_000_000, 20_000_000);
    simulation.after(waitUs, () => {
      this.#retiring.delete(member.id);
      const membership = this.settledMembership;
      const isOut = membership?.incoming.every(({ id }) => id !== member.id) === true;
      if (!isOut) return;
      count(member.ruin === null ? 'nodes-stopped' : 'lost-nodes-replaced');
      member.retire();
    });
  }

  #find(id: NodeId): Node | undefined {
    return this.#members.find((member) => member.id === id);
  }
}
