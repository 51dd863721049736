import { assert } from '../../base/assert.ts';
import { utf8 } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/random.ts';
import type { RaftConfig } from '../../raft/core/config.ts';
import type { Input } from '../../raft/core/inputs.ts';
import type { MemberChange } from '../../raft/core/member-changes.ts';
import {
  allMembers,
  isJoint,
  isWithoutState,
  type Member,
  voterMember,
} from '../../raft/core/membership.ts';
import type { Message } from '../../raft/core/messages.ts';
import { logIndex, type NodeId, nodeId } from '../../raft/core/types.ts';
import { LeaseChecker } from './lease-checker.ts';
import { SafetyChecker } from './safety-checker.ts';
import { SimulatedNode } from './simulated-node.ts';

interface InFlight {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
}

type Fault =
  | 'drop'
  | 'duplicate'
  | 'crash'
  | 'partition'
  | 'heal'
  | 'transfer'
  | 'step-down'
  | 'unreachable'
  | 'electable'
  | 'inject'
  | 'change'
  | 'compact'
  | 'fetched'
  | 'fetch-failed';

/** How often each fault comes; drawn per run, so that runs differ in kind and not only in luck. */
export type FaultWeights = Readonly<Record<Fault, number>>;

export interface RandomNetworkOptions {
  readonly seed: number;
  readonly nodeCount: number;
  readonly weights: FaultWeights;
  /** All clocks run alike: then leases can be checked as well. Otherwise each node has its own time. */
  readonly isLockstep: boolean;
  /** Nodes that wait to be added; only `change` faults do that. */
  readonly spareCount: number;
  /** Whether the last of three or more nodes begins as a witness. */
  readonly hasWitness: boolean;
}

const inFlightMax = 400;
const unwrittenMax = 12;

/** Nodes, wires and disks driven by luck from one seed; the checker looks after every step. */
export class RandomNetwork {
  readonly checker: SafetyChecker;
  readonly leases: LeaseChecker;
  readonly #isLockstep: boolean;
  /** How fast time passes compared with messages and disks, in percent of the actions. */
  readonly #tickShare: number;
  readonly #random: SeededRandom;
  readonly #nodes: SimulatedNode[];
  readonly #ids: readonly NodeId[];
  readonly #config: Omit<RaftConfig, 'self' | 'initialMembers'>;
  readonly #initialMembers: readonly Member[];
  readonly #statelessIds: readonly NodeId[];
  readonly #faults: readonly Fault[];
  /** Nodes with the same number hear each other. */
  #sides = new Map<NodeId, number>();
  #inFlight: InFlight[] = [];
  #nextPayload = 0;
  #nextReadId = 0;
  #nextChangeId = 0;

  constructor(options: RandomNetworkOptions) {
    const { seed, nodeCount, spareCount, weights, isLockstep } = options;
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#isLockstep = isLockstep;
    this.#tickShare = random.below(4, 30);
    this.#ids = Array.from({ length: nodeCount + spareCount }, (_, place) =>
      nodeId(`n${place + 1}`),
    );
    const { hasWitness } = options;
    const isWitness = (place: number): boolean =>
      hasWitness && nodeCount >= 3 && place === nodeCount - 1;
    this.#initialMembers = this.#ids.slice(0, nodeCount).map((id, place) => ({
      ...voterMember(id),
      kind: isWitness(place) ? 'witness' : 'voter',
    }));
    this.#statelessIds = this.#ids.filter(
      (_, place) =>
        isWitness(place) || (hasWitness && place >= nodeCount && place + 1 === this.#ids.length),
    );
    this.#faults = Object.entries(weights).flatMap(([fault, weight]) =>
      Array.from({ length: weight }, () => fault as Fault),
    );
    this.#config = {
      heartbeatTicks: 2,
      electionTicksMin: 6,
      electionTicksMax: 12,
      applyLagMax: 20,
      transferTicksMax: 10,
      inflightAppendsMax: random.below(1, 5),
      appendEntriesMax: random.below(1, 6),
      appendBytesMax: 512,
      uncommittedBytesMax: 4096,
    };
    this.#nodes = [];
    this.checker = new SafetyChecker(this.#nodes);
    this.leases = new LeaseChecker(this.#nodes, this.#config.electionTicksMin);
    for (const id of this.#ids) this.#nodes.push(this.#createNode(id));
  }

  /** One random thing happens. Most of the time it is work, so that there is something to break. */
  act(): void {
    const dice = this.#random.below(0, 100);
    if (dice < this.#tickShare) this.#tickAny();
    else if (dice < 55) this.#deliverAny();
    else if (dice < 72) this.#persistAny();
    else if (dice < 82) this.#proposeAny();
    else if (dice < 88) this.#readAny();
    else this.#injectFault();
  }

  /** All faults end. From here on a leader must come, and everything must reach everybody. */
  heal(): void {
    this.#sides = new Map();
    for (const node of this.#nodes) {
      if (!node.isUp) this.#restart(node);
      this.#step(node, { kind: 'set-electable', isElectable: true });
    }
  }

  /** A tick everywhere, and all that follows from it. */
  round(): void {
    this.#tickAll();
    for (let turn = 0; turn < 20; turn += 1) {
      for (const node of this.#nodes) {
        node.persist();
        if (node.fetch !== null) node.endFetch(true);
      }
      const batch = this.#inFlight;
      this.#inFlight = [];
      for (const sent of batch) this.#hand(sent);
      if (batch.length === 0) break;
    }
    this.#checkAll();
  }

  propose(): void {
    const leader = this.#nodes.find((node) => node.isUp && node.status.leaderReadyIndex !== null);
    if (leader !== undefined) this.#step(leader, this.#proposal());
  }

  /** Whether every member holds, and knows to be committed, the same log to its end, and no change is under way. */
  get isConverged(): boolean {
    const leader = this.#nodes.find(({ status }) => status.leaderReadyIndex !== null)?.status;
    if (leader === undefined || isJoint(leader.membership)) return false;
    const members = leader.membership.incoming;
    const [first, ...others] = this.#nodes
      .filter(({ id }) => members.some((member) => member.id === id))
      .map(({ status }) => status);
    if (first === undefined || first.leaderId === null) return false;
    const isAtRest = first.isTailDecided && first.commitIndex === first.lastIndex;
    if (members.some(({ promotion }) => promotion !== null)) return false;
    return (
      isAtRest &&
      others.every(
        (other) =>
          other.leaderId === first.leaderId &&
          other.commitIndex === first.commitIndex &&
          other.lastIndex === first.lastIndex &&
          other.persistedIndex === first.lastIndex,
      )
    );
  }

  #createNode(id: NodeId): SimulatedNode {
    return new SimulatedNode({
      config: {
        ...this.#config,
        self: id,
        initialMembers: this.#initialMembers.some((member) => member.id === id)
          ? this.#initialMembers
          : [],
        isStateless: this.#isStateless(id),
      },
      random: this.#random,
      onEffect: (node, effect) => this.checker.onEffect(node, effect),
      onSend: (node, to, message) => {
        this.checker.onSend(node, to, message);
        this.leases.onSend(node, message);
        this.#send({ from: node.id, to, message });
      },
    });
  }

  #send(sent: InFlight): void {
    if (this.#inFlight.length >= inFlightMax) this.#takeAny();
    this.#inFlight.push(sent);
  }

  #step(node: SimulatedNode, input: Input): void {
    node.step(input);
    this.#checkAll();
  }

  #checkAll(): void {
    for (const node of this.#nodes) this.checker.check(node);
    if (this.#isLockstep) this.leases.check();
  }

  #takeAny(): InFlight | undefined {
    const [sent] = this.#inFlight.splice(this.#random.below(0, this.#inFlight.length), 1);
    return sent;
  }

  #anyUp(): SimulatedNode | undefined {
    const up = this.#nodes.filter((node) => node.isUp);
    return up[this.#random.below(0, up.length)];
  }

  #anyLeader(): SimulatedNode | undefined {
    const leaders = this.#nodes.filter((node) => node.isUp && node.status.role === 'leader');
    return leaders[this.#random.below(0, leaders.length)];
  }

  /** Any message on the wire, mostly an old one: reordering is the rule. */
  #deliverAny(): void {
    for (let count = this.#random.below(1, 6); count > 0; count -= 1) {
      const isInOrder = this.#random.below(0, 4) > 0;
      const sent = isInOrder ? this.#inFlight.shift() : this.#takeAny();
      if (sent !== undefined) this.#hand(sent);
    }
  }

  #hand({ from, to, message }: InFlight): void {
    const node = this.#nodes.find(({ id }) => id === to);
    const isCutOff = this.#sides.get(from) !== this.#sides.get(to);
    if (node?.isUp !== true || isCutOff) return;
    this.#step(node, { kind: 'message', from, message });
  }

  #tickAny(): void {
    if (this.#isLockstep || this.#random.below(0, 3) > 0) {
      this.#tickAll();
      return;
    }
    const node = this.#anyUp();
    if (node !== undefined) this.#step(node, { kind: 'tick' });
  }

  /** Time passes everywhere before anyone acts on it: a lease ends no later than the patience of the voters. */
  #tickAll(): void {
    this.leases.tick();
    for (const node of this.#nodes) if (node.isUp) this.#step(node, { kind: 'tick' });
  }

  #persistAny(): void {
    for (const node of this.#nodes) {
      if (!node.isUp) continue;
      const isSlow = this.#random.below(0, 3) === 0;
      if (!isSlow || node.unwrittenCount > unwrittenMax) node.persist(this.#random.below(1, 5));
    }
    this.#checkAll();
  }

  #proposeAny(): void {
    const leader = this.#anyLeader();
    if (leader !== undefined) this.#step(leader, this.#proposal());
  }

  #proposal(): Input {
    const payloads = Array.from({ length: this.#random.below(1, 4) }, () => {
      this.#nextPayload += 1;
      return utf8(`p${this.#nextPayload}`.padEnd(this.#random.below(1, 300), '.'));
    });
    return { kind: 'propose', payloads };
  }

  #readAny(): void {
    this.#readThroughAny();
    const leader = this.#anyLeader();
    if (leader === undefined) return;
    this.#nextReadId += 1;
    this.checker.readAsked(this.#nextReadId);
    this.#step(leader, { kind: 'read-index', readId: this.#nextReadId });
    const { commitIndex } = leader.status;
    this.#step(leader, {
      kind: 'applied',
      index: logIndex(this.#random.below(0, commitIndex + 1)),
    });
  }

  /** A read on any node, which asks the leader it knows of. */
  #readThroughAny(): void {
    const node = this.#anyUp();
    if (node === undefined) return;
    this.#nextReadId += 1;
    this.checker.readAsked(this.#nextReadId);
    this.#step(node, { kind: 'read-index-of-leader', readId: this.#nextReadId });
  }

  /** What a node has applied, and has a snapshot of, goes from its log: all of it, or some. */
  #compactAny(): void {
    const node = this.#anyUp();
    if (node === undefined) return;
    const { commitIndex } = node.status;
    const index = logIndex(this.#random.below(0, commitIndex + 1));
    this.#step(node, { kind: 'applied', index });
    node.takeSnapshot();
    const upTo = Math.min(this.#random.below(0, commitIndex + 3), this.#unneeded(node));
    this.#step(node, { kind: 'compact', upTo: logIndex(upTo) });
  }

  /**
   * How far the log of a node without a state may go: it has no snapshot to give, so what any member with a state does not hold durably stays. All
   * others have one (`compaction-policy.ts`).
   */
  #unneeded({ id: self, status }: SimulatedNode): number {
    if (!this.#isStateless(self)) return Number.POSITIVE_INFINITY;
    const needing = allMembers(status.membership).filter((member) => !isWithoutState(member));
    const held = needing.map(({ id }) => this.#nodes.find((node) => node.id === id)?.disk);
    return Math.min(...held.map((disk) => (disk === undefined ? 0 : this.checker.heldBy(disk))));
  }

  #endFetchOfAny(isWhole: boolean): void {
    const fetching = this.#nodes.filter((node) => node.isUp && node.fetch !== null);
    fetching[this.#random.below(0, fetching.length)]?.endFetch(isWhole);
    this.#checkAll();
  }

  #injectFault(): void {
    const fault = this.#faults[this.#random.below(0, this.#faults.length)];
    if (fault !== undefined) this.#faultActions[fault]();
  }

  readonly #faultActions: Readonly<Record<Fault, () => void>> = {
    drop: () => {
      this.#takeAny();
    },
    duplicate: () => {
      const sent = this.#inFlight[this.#random.below(0, this.#inFlight.length)];
      if (sent !== undefined) this.#send(sent);
    },
    crash: () => this.#crashOrRestart(),
    partition: () => {
      this.#sides = new Map(this.#ids.map((id) => [id, this.#random.below(0, 2)]));
    },
    heal: () => {
      this.#sides = new Map();
    },
    transfer: () => {
      const leader = this.#anyLeader();
      const target = [null, ...this.#ids][this.#random.below(0, this.#ids.length + 1)] ?? null;
      if (leader !== undefined)
        this.#step(leader, { kind: 'transfer-leadership', transferId: 1, target });
    },
    'step-down': () => {
      const node = this.#anyUp();
      if (node !== undefined) this.#step(node, { kind: 'step-down' });
    },
    unreachable: () => {
      const node = this.#anyUp();
      const peer = this.#ids[this.#random.below(0, this.#ids.length)];
      if (node === undefined || peer === undefined) return;
      const kind = this.#random.below(0, 2) === 0 ? 'peer-unreachable' : 'send-failed';
      this.#step(node, { kind, peer });
    },
    electable: () => {
      const node = this.#anyUp();
      const isElectable = this.#random.below(0, 2) === 0;
      if (node !== undefined) this.#step(node, { kind: 'set-electable', isElectable });
    },
    change: () => {
      const leader = this.#anyLeader();
      if (leader === undefined) return;
      this.#nextChangeId += 1;
      const changes = this.#anyChanges(leader.status.membership.incoming);
      this.#step(leader, { kind: 'change-membership', changeId: this.#nextChangeId, changes });
    },
    compact: () => this.#compactAny(),
    fetched: () => this.#endFetchOfAny(true),
    'fetch-failed': () => this.#endFetchOfAny(false),
    /** A stranger repeats what it overheard. */
    inject: () => {
      const sent = this.#inFlight[this.#random.below(0, this.#inFlight.length)];
      const node = this.#anyUp();
      if (sent === undefined || node === undefined) return;
      this.#step(node, { kind: 'message', from: nodeId('stranger'), message: sent.message });
    },
  };

  /** One to three of them, most of which could be made. */
  #anyChanges(members: readonly Member[]): readonly MemberChange[] {
    const length = this.#random.below(0, 3) > 0 ? 1 : this.#random.below(2, 4);
    return Array.from({ length }, () => {
      const id = this.#ids[this.#random.below(0, this.#ids.length)];
      assert(id !== undefined, 'there are nodes');
      const member = this.#anyMember(id);
      const isMember = members.some((other) => other.id === id);
      if (!isMember) return { kind: 'add', member: { ...member, ...this.#anyLearner(id) } };
      const isRemoval = this.#random.below(0, 2) === 0;
      return isRemoval ? { kind: 'remove', id } : { kind: 'update', member };
    });
  }

  #anyMember(id: NodeId): Member {
    const dice = this.#random.below(0, 8);
    if (this.#isStateless(id)) return { ...voterMember(id), kind: 'learner', promotion: 'witness' };
    if (dice < 4) return voterMember(id);
    if (dice < 5) return { ...voterMember(id), kind: 'witness' };
    return { ...voterMember(id), ...this.#anyLearner(id) };
  }

  #anyLearner(id: NodeId): Pick<Member, 'kind' | 'promotion'> {
    const dice = this.#random.below(0, 8);
    if (this.#isStateless(id)) return { kind: 'learner', promotion: 'witness' };
    if (dice < 5) return { kind: 'learner', promotion: 'voter' };
    return { kind: 'learner', promotion: dice < 6 ? 'witness' : null };
  }

  /** A witness from the start, and the last of the spare nodes, run without a state: they are added to become witnesses. */
  #isStateless(id: NodeId): boolean {
    return this.#statelessIds.includes(id);
  }

  #crashOrRestart(): void {
    const node = this.#nodes[this.#random.below(0, this.#nodes.length)];
    assert(node !== undefined, 'there are nodes');
    if (node.isUp) node.crash(this.#random.below(0, node.unwrittenCount + 1));
    else this.#restart(node);
  }

  #restart(node: SimulatedNode): void {
    node.restart();
    this.checker.restarted(node);
    this.#checkAll();
  }
}
