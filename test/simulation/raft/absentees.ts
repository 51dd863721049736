import { assertNever } from '../../../base/assert.ts';
import type { Random } from '../../../base/random.ts';
import { isVoting } from '../../../raft/core/membership.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import { type Network, pickFrom, type Simulation } from '../kernel/index.ts';
import type { RaftCluster } from './raft-cluster.ts';
import type { RaftMember } from './raft-member.ts';

const ailments = ['down', 'paused', 'cut off', 'with a hung disk'] as const;
type Ailment = (typeof ailments)[number];

/** Longer than anybody waits. */
const foreverUs = 1_000_000_000;

export interface AbsenteesOptions {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly cluster: RaftCluster<RaftMember>;
}

/**
 * The minority that stays ill when all others are healed. What remains is a bare majority, so that everybody in it is needed: a node that
 * others keep waiting for an answer, or that goes on leading when it cannot, is made up for by nobody (HAZARDS C10, R6).
 */
export class Absentees {
  readonly #options: AbsenteesOptions;
  readonly #random: Random;
  #absent: { readonly member: RaftMember; readonly ailment: Ailment; end: () => void }[] = [];

  constructor(options: AbsenteesOptions) {
    this.#options = options;
    this.#random = options.simulation.random('absentees');
  }

  get count(): number {
    return this.#absent.length;
  }

  /** Whether the others are still a majority: members come and go meanwhile. */
  get mayStayAway(): boolean {
    const ids = this.#absent.map(({ member }) => member.id);
    return ids.length === 0 || this.#mayBeWithout(ids);
  }

  /** As many as can be spared. */
  begin(): void {
    const { simulation } = this.#options;
    const chosen: NodeId[] = [];
    for (const member of this.#inTurn()) {
      if (!this.#mayBeWithout([...chosen, member.id])) continue;
      chosen.push(member.id);
      const ailment = pickFrom(this.#random, ailments);
      this.#absent.push({ member, ailment, end: this.#afflict(member, ailment) });
    }
    simulation.log('phase', `without ${this}`, 'news');
  }

  end(): void {
    for (const { end } of this.#absent) end();
    this.#absent = [];
  }

  toString(): string {
    const names = this.#absent.map(({ member, ailment }) => `${member.id} (${ailment})`);
    return names.join(', ') || 'nobody';
  }

  /** Who goes first: the leader, or anybody, or those whom the two that differ most have no use for. */
  #inTurn(): readonly RaftMember[] {
    const voters = this.#shuffled(this.#voters);
    const { leader } = this.#options.cluster;
    switch (pickFrom(this.#random, ['without the leader', 'any', 'apart'] as const)) {
      case 'without the leader':
        return leader === undefined
          ? voters
          : [leader, ...voters.filter((each) => each !== leader)];
      case 'any':
        return voters;
      case 'apart':
        return lastOfAll(lastOfAll(voters, termOf), logRankOf);
    }
  }

  /** By anybody's configuration. Whoever has no vote is not missed by a majority, only by its clients. */
  get #voters(): RaftMember[] {
    const { members } = this.#options.cluster;
    const voting = members
      .flatMap(({ membership: { incoming, outgoing } }) => [...incoming, ...outgoing])
      .filter(isVoting);
    return members.filter((member) => voting.some(({ id }) => id === member.id));
  }

  /** A majority of every configuration that anybody has is there and whole, and in it somebody who can serve. */
  #mayBeWithout(ids: readonly NodeId[]): boolean {
    const { members, everyMember } = this.#options.cluster;
    const isThere = (id: NodeId): boolean =>
      !ids.includes(id) && everyMember.find((member) => member.id === id)?.isWhole === true;
    return members
      .flatMap(({ membership: { incoming, outgoing } }) => [incoming, outgoing])
      .map((set) => set.filter(isVoting))
      .filter((voters) => voters.length > 0)
      .every((voters) => {
        const present = voters.filter(({ id }) => isThere(id));
        return present.length * 2 > voters.length && present.some(({ kind }) => kind === 'voter');
      });
  }

  /** Returns what cures it. */
  #afflict(member: RaftMember, ailment: Ailment): () => void {
    const { simulation, network, cluster } = this.#options;
    switch (ailment) {
      case 'down':
        member.holdDown();
        member.kill('SIGKILL, for long');
        return () => member.release();
      case 'paused': {
        const { process } = member;
        process?.pause();
        return () => process?.resume();
      }
      case 'cut off': {
        const others = cluster.members.filter((other) => other !== member);
        const directions = others.flatMap(({ id }) => [
          { from: member.id, to: id },
          { from: id, to: member.id },
        ]);
        const cut = network.cut(directions);
        return () => cut.lift();
      }
      case 'with a hung disk':
        member.disk.hangUntil(simulation.nowUs + foreverUs);
        return () => {
          // What hangs already goes on hanging: only a start brings the disk back.
          member.disk.heal();
          member.restart('SIGKILL, its disk is replaced');
        };
      default:
        return assertNever(ailment);
    }
  }

  #shuffled(members: RaftMember[]): RaftMember[] {
    const left = [...members];
    const shuffled: RaftMember[] = [];
    while (left.length > 0) shuffled.push(...left.splice(this.#random.below(0, left.length), 1));
    return shuffled;
  }
}

/** Those in front of it are the others, in their order. */
function lastOfAll(
  members: readonly RaftMember[],
  rankOf: (member: RaftMember) => number,
): readonly RaftMember[] {
  const [first] = members.toSorted((left, right) => rankOf(right) - rankOf(left));
  return first === undefined ? [] : [...members.filter((member) => member !== first), first];
}

/** The term it is in: it may have campaigned often, and in vain. */
function termOf({ disk }: RaftMember): number {
  return disk.content.hardState.term;
}

/** How up to date its log is (Raft thesis §3.6.1), as one number. */
function logRankOf({ disk }: RaftMember): number {
  const { entries, snapshot, lastIndex } = disk.content;
  const term = entries.at(-1)?.term ?? snapshot?.last.term ?? 0;
  return term * 1e6 + lastIndex;
}
