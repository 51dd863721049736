import { logIndex, nodeId } from '../../../raft/core/types.ts';
import {
  type Cut,
  type Direction,
  type FaultEvent,
  luckOf,
  type Network,
  PartitionShape,
  partition,
  pickFrom,
  type Simulation,
} from '../kernel/index.ts';
import type { RaftCluster } from './raft-cluster.ts';
import type { RaftMember } from './raft-member.ts';

type Luck = ReturnType<typeof luckOf>;

export interface RaftFaultsOptions {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly cluster: RaftCluster<RaftMember>;
  /** Counts what really happened. */
  readonly count: (what: string) => void;
  readonly clockSkewPermille: number;
}

type FaultAction = (faults: RaftFaults, fault: FaultEvent, luck: Luck) => void;

/** HAZARDS N1, N3, N5, N6, N7, N9, N11: each name and what it does. */
const actions = {
  crash: (faults, fault, luck) => faults.crash(faults.any(luck), fault),
  'crash-leader': (faults, fault) => faults.crash(faults.leader(), fault),
  'crash-mid-step': (faults, _fault, luck) => faults.crashMidStep(luck),
  'crash-majority': (faults, fault, luck) => faults.crashMany(fault, luck, faults.majority),
  'crash-all': (faults, fault, luck) => faults.crashMany(fault, luck, Infinity),
  'crash-starting': (faults, fault, luck) => faults.crashTwice(fault, luck),
  pause: (faults, fault, luck) => faults.pause(faults.any(luck), fault),
  'pause-leader': (faults, fault) => faults.pause(faults.leader(), fault),
  'partition-halves': (faults, fault, luck) => faults.cut('halves', fault, luck),
  'partition-isolate': (faults, fault, luck) => faults.cut('isolate', fault, luck),
  'partition-bridge': (faults, fault, luck) => faults.cut('bridge', fault, luck),
  'partition-ring': (faults, fault, luck) => faults.cut('ring', fault, luck),
  'partition-deaf': (faults, fault, luck) => faults.cut('deaf', fault, luck),
  'partition-mute': (faults, fault, luck) => faults.cut('mute', fault, luck),
  'partition-one-way': (faults, fault, luck) => faults.cut('one-way', fault, luck),
  'partition-left-behind': (faults, fault, luck) => faults.leaveBehind(fault, luck),
  'partition-flapping': (faults, fault, luck) => faults.flap(fault, luck),
  clog: (faults, fault, luck) => faults.clog(fault, luck),
  'disk-hang': (faults, fault, luck) => faults.hang(faults.any(luck), fault),
  'disk-hang-leader': (faults, fault) => faults.hang(faults.leader(), fault),
  'disk-error': (faults, _fault, luck) => faults.failDisk(faults.leaderOr(luck)),
  'disk-damage': (faults, _fault, luck) => faults.damage(luck),
  'disk-rollback': (faults, fault, luck) => faults.rollBack(fault, luck),
  clock: (faults, _fault, luck) => faults.changeClock(luck),
  transfer: (faults, _fault, luck) => faults.transfer(luck),
  abdicate: (faults) => faults.abdicate(),
  'forgetful-voters': (faults, fault, luck) => faults.forgetfulVoters(fault, luck),
  'late-timeout-now': (faults, fault, luck) => faults.lateTimeoutNow(fault, luck),
  'campaign-in-vain': (faults, fault, luck) => faults.campaignInVain(fault, luck),
  unelectable: (faults, fault, luck) => faults.makeUnelectable(fault, luck),
  'member-add': (faults) => faults.changeMembers((cluster) => cluster.add('voter')),
  'member-witness': (faults) => faults.changeMembers((cluster) => cluster.add('witness')),
  'member-remove': (faults, _fault, luck) =>
    faults.changeMembers((cluster) => cluster.remove([faults.leaderOr(luck).id])),
  'member-shrink': (faults, _fault, luck) =>
    faults.changeMembers((cluster) =>
      cluster.remove([faults.leaderOr(luck).id, faults.any(luck).id]),
    ),
  'member-swap': (faults, _fault, luck) =>
    faults.changeMembers((cluster) => cluster.swap(faults.leaderOr(luck).id)),
  'member-replace': (faults, _fault, luck) =>
    faults.changeMembers((cluster) => cluster.replace(faults.leaderOr(luck).id)),
} satisfies Readonly<Record<string, FaultAction>>;

export const faultKinds: readonly string[] = Object.keys(actions);

/** Carries out the faults of a plan on whoever is there when they come. */
export class RaftFaults {
  readonly #options: RaftFaultsOptions;

  constructor(options: RaftFaultsOptions) {
    this.#options = options;
  }

  /** To be called when the moment of the fault has come. */
  inject(fault: FaultEvent): void {
    const action: FaultAction | undefined = Object.entries(actions).find(
      ([kind]) => kind === fault.kind,
    )?.[1];
    if (action === undefined) throw new RangeError(`${fault.kind} is no fault of this scenario`);
    this.#options.simulation.log('fault', `${fault.kind} for ${fault.forMs} ms`, 'news');
    action(this, fault, luckOf(fault));
  }

  /** Ends all that still lasts. */
  heal(): void {
    const { network, cluster } = this.#options;
    network.heal();
    for (const member of cluster.members) {
      member.disk.heal();
      member.process?.resume();
      member.process?.dieAfterActs(Infinity);
      member.raft?.setElectable(true);
      member.release();
    }
  }

  // Who is hit.

  get majority(): number {
    return Math.floor(this.#options.cluster.members.length / 2) + 1;
  }

  any(luck: Luck): RaftMember {
    return pickFrom(luck, this.#options.cluster.members);
  }

  /** The leader of the newest term among those that run. */
  leader(): RaftMember | undefined {
    return this.#options.cluster.leader;
  }

  leaderOr(luck: Luck): RaftMember {
    const other = this.any(luck);
    return luck.below(0, 2) === 0 ? other : (this.leader() ?? other);
  }

  // What happens to it.

  crash(member: RaftMember | undefined, { forMs }: FaultEvent): void {
    if (member === undefined) return;
    this.#hit(member, 'crash');
    member.holdDown();
    member.kill('SIGKILL');
    this.#after(forMs, () => member.release());
  }

  crashMidStep(luck: Luck): void {
    const member = this.leaderOr(luck);
    if (member.process === null) return;
    this.#hit(member, 'crash');
    member.process.dieAfterActs(luck.below(0, 12));
  }

  crashMany(fault: FaultEvent, luck: Luck, count: number): void {
    const members = [...this.#options.cluster.members];
    for (let left = count; left > 0 && members.length > 0; left -= 1) {
      const [member] = members.splice(luck.below(0, members.length), 1);
      this.crash(member, fault);
    }
  }

  /** The second crash falls into the start that follows the first. */
  crashTwice({ forMs }: FaultEvent, luck: Luck): void {
    const member = this.any(luck);
    this.crash(member, { atMs: 0, kind: '', pick: 0, forMs });
    this.#after(forMs + luck.below(0, 250), () => member.kill('SIGKILL while it starts'));
  }

  pause(member: RaftMember | undefined, { forMs }: FaultEvent): void {
    const process = member?.process;
    if (member === undefined || process === undefined || process === null) return;
    this.#hit(member, 'pause');
    process.pause();
    this.#after(forMs, () => process.resume());
  }

  cut(shape: PartitionShape, { forMs }: FaultEvent, luck: Luck): void {
    const cut = this.#cut(shape, luck);
    this.#after(forMs, () => cut.lift());
  }

  /** Made and lifted again and again, faster than elections are. */
  flap({ forMs }: FaultEvent, luck: Luck): void {
    const { simulation } = this.#options;
    const shape = pickFrom(luck, Object.values(PartitionShape));
    const endUs = simulation.nowUs + forMs * 1000;
    const next = (): void => {
      if (simulation.nowUs >= endUs) return;
      const cut = this.#cut(shape, luck);
      this.#after(luck.below(20, 900), () => {
        cut.lift();
        this.#after(luck.below(20, 900), next);
      });
    };
    next();
  }

  /**
   * The leader and a follower are cut off together; when the others have another leader, the old one is back among them, and the
   * follower hears nobody else.
   */
  leaveBehind({ forMs }: FaultEvent, luck: Luck): void {
    const { network, cluster } = this.#options;
    const leader = this.leader();
    const followers = cluster.members.filter((member) => member !== leader);
    if (leader === undefined || followers.length < 2) return;
    this.#hit(leader, 'left-behind');
    const lost = pickFrom(luck, followers);
    const others = followers.filter((member) => member !== lost);
    const lostCut = network.cut(between(lost, others));
    const leaderCut = network.cut(between(leader, others));
    this.#after(1000 + luck.below(0, 1500), () => {
      leaderCut.lift();
      this.#after(forMs, () => lostCut.lift());
    });
  }

  clog({ forMs }: FaultEvent, luck: Luck): void {
    const { network, simulation } = this.#options;
    const [from, to] = [this.leaderOr(luck), this.any(luck)];
    if (from === to) return;
    this.#hit(from, 'clog');
    network.clog({ from: from.id, to: to.id }, simulation.nowUs + forMs * 1000);
  }

  hang(member: RaftMember | undefined, { forMs }: FaultEvent): void {
    if (member === undefined) return;
    this.#hit(member, 'disk-hang');
    member.disk.hangUntil(this.#options.simulation.nowUs + forMs * 1000);
  }

  failDisk(member: RaftMember): void {
    this.#hit(member, 'disk-error');
    member.disk.failNextWrite();
  }

  damage(luck: Luck): void {
    const member = this.leaderOr(luck);
    const { firstIndex, lastIndex } = member.disk.content;
    if (!this.#options.cluster.mayRuin(member) || lastIndex < firstIndex) return;
    if (!member.disk.damage(logIndex(luck.below(firstIndex, lastIndex + 1)))) return;
    this.#hit(member, 'disk-damage');
    // Found at the next start, or by a read before.
    if (luck.below(0, 2) === 0) member.kill('SIGKILL');
  }

  /** Somebody restores a backup of the log's folder, and starts the node on it. */
  rollBack({ forMs }: FaultEvent, luck: Luck): void {
    const member = this.leaderOr(luck);
    const { cluster } = this.#options;
    if (!cluster.mayRuin(member)) return;
    member.disk.takeCopy();
    this.#after(forMs, () => {
      if (!cluster.mayRuin(member)) return;
      member.kill('SIGKILL');
      if (member.disk.restoreCopy()) this.#hit(member, 'disk-rollback');
    });
  }

  changeClock(luck: Luck): void {
    const { clockSkewPermille } = this.#options;
    if (clockSkewPermille === 0) return;
    const member = this.leaderOr(luck);
    this.#hit(member, 'clock');
    member.host.setRate(1 + luck.below(-clockSkewPermille, clockSkewPermille + 1) / 1000);
    member.host.bumpWallClock(luck.below(-100_000, 100_000));
  }

  transfer(luck: Luck): void {
    const leader = this.leader();
    if (leader?.raft === undefined || leader.raft === null) return;
    this.#hit(leader, 'transfer');
    const target = luck.below(0, 3) === 0 ? null : this.any(luck).id;
    leader.raft.transferLeadership(target).catch(() => undefined);
  }

  abdicate(): void {
    const leader = this.leader();
    if (leader === undefined) return;
    this.#hit(leader, 'abdicate');
    leader.raft?.abdicate('the plan says so');
  }

  /**
   * One follower loses its leader and asks for votes; then those who still hear that leader restart at once and hear it no more. What
   * they had promised to it, a lease may rest on (R9).
   */
  forgetfulVoters({ forMs }: FaultEvent, luck: Luck): void {
    const leader = this.leader();
    const others = this.#options.cluster.members.filter((member) => member !== leader);
    if (leader === undefined || others.length < 2) return;
    this.#hit(leader, 'forgetful-voters');
    const lost = pickFrom(luck, others);
    const { network } = this.#options;
    const cut = network.cut(between(leader, [lost]));
    this.#after(500 + luck.below(0, 700), () => {
      const whole = network.cut(between(leader, others));
      cut.lift();
      for (const other of others) {
        if (other !== lost) other.restart('SIGKILL, and up again at once');
      }
      this.#after(forMs, () => whole.lift());
    });
  }

  /**
   * The leader is down, and one node is not heard whenever it has just become a candidate: its term grows, and nobody else's does. What
   * it asks as a pre-candidate gets through.
   */
  campaignInVain({ forMs }: FaultEvent, luck: Luck): void {
    const { simulation, network, cluster } = this.#options;
    const leader = this.leader();
    const others = cluster.members.filter((member) => member !== leader);
    if (leader === undefined || others.length < 2) return;
    const candidate = pickFrom(luck, others);
    this.crash(leader, { atMs: 0, kind: '', pick: 0, forMs });
    const endUs = simulation.nowUs + forMs * 1000;
    let cut: Cut | null = null;
    const look = (): void => {
      const isOver = simulation.nowUs >= endUs;
      const isCandidate = !isOver && candidate.raft?.status.role === 'candidate';
      if (isCandidate) {
        cut ??= network.cut(others.map(({ id }) => ({ from: candidate.id, to: id })));
      } else {
        cut?.lift();
        cut = null;
      }
      if (!isOver) this.#after(1, look);
    };
    look();
  }

  /** TimeoutNow of a transfer that was given up arrives later, when the leader hears nobody else. */
  lateTimeoutNow({ forMs }: FaultEvent, luck: Luck): void {
    const { network, simulation, cluster } = this.#options;
    const leader = this.leader();
    const others = cluster.members.filter((member) => member !== leader);
    if (leader === undefined || leader.raft === null || others.length < 2) return;
    this.#hit(leader, 'late-timeout-now');
    const target = pickFrom(luck, others);
    const lateMs = 2000 + luck.below(50, 1000);
    leader.raft.transferLeadership(target.id).catch(() => undefined);
    network.clog({ from: leader.id, to: target.id }, simulation.nowUs + lateMs * 1000);
    this.#after(lateMs + luck.below(0, 30), () => {
      const cut = network.cut(between(leader, others));
      this.#after(forMs, () => cut.lift());
    });
  }

  /** HAZARDS N9. */
  changeMembers(change: (cluster: RaftCluster<RaftMember>) => void): void {
    this.#options.count('member-change-asked');
    change(this.#options.cluster);
  }

  makeUnelectable({ forMs }: FaultEvent, luck: Luck): void {
    const member = this.leaderOr(luck);
    this.#hit(member, 'unelectable');
    member.raft?.setElectable(false);
    this.#after(forMs, () => member.raft?.setElectable(true));
  }

  #cut(shape: PartitionShape, luck: Luck): Cut {
    const { network, cluster } = this.#options;
    const focus = this.leaderOr(luck);
    this.#hit(focus, 'partition');
    const hosts = cluster.members.map(({ id }) => id);
    return network.cut(partition({ shape, hosts, focus: focus.id, random: luck }));
  }

  #hit(member: RaftMember, what: string): void {
    const { count } = this.#options;
    count(what);
    count('faults');
    if (member.isLeader) count('leader-hits');
  }

  #after(ms: number, run: () => void): void {
    this.#options.simulation.after(ms * 1000, run);
  }
}

function between(one: RaftMember, others: readonly RaftMember[]): Direction[] {
  return others.flatMap(({ id }) => [
    { from: one.id, to: id },
    { from: id, to: one.id },
  ]);
}

export const strangerId: ReturnType<typeof nodeId> = nodeId('stranger');
