import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { Message } from '../../../raft/core/messages.ts';
import type { NodeId, Term } from '../../../raft/core/types.ts';
import { isQuorumOf } from '../../raft/safety-checker.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

/** One term: who leads in it, and who told whom of its vote. */
interface Election {
  leader: NodeId | null;
  /** By candidate. The voter's own life may be over; its vote stands. */
  readonly votes: Map<NodeId, NodeId[]>;
}

/**
 * I1, Election Safety: at most one leader in a term, counting every life of every node (R1, R2). And what that rests on (Raft thesis
 * §3.4): whoever leads was told so by a quorum of its configuration, in that term, and its own vote is durable. A vote of another term,
 * or of somebody who has no say, may go well a thousand times (R3).
 */
export class ElectionSafety implements RaftChecker {
  readonly #judge: Judge;
  readonly #terms = new Map<Term, Election>();
  #elections = 0;

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** Terms that had a leader. */
  get elections(): number {
    return this.#elections;
  }

  sent(node: RaftView, to: NodeId, message: Message): void {
    if (message.kind !== 'vote-response' || !message.granted) return;
    const { votes } = this.#electionOf(message.term);
    const voters = votes.get(to);
    if (voters === undefined) votes.set(to, [node.id]);
    else if (!voters.includes(node.id)) voters.push(node.id);
  }

  stepped(node: RaftView, _input: Input, _effects: readonly Effect[]): void {
    const { role, term } = node.status;
    if (role !== 'leader') return;
    const election = this.#electionOf(term);
    if (election.leader === null) this.#elected(node, election);
    this.#judge.check(
      election.leader === node.id,
      'I1',
      () => `${election.leader} and ${node.id} lead in term ${term}`,
    );
  }

  #elected({ id, status, disk }: RaftView, election: Election): void {
    const { term, membership } = status;
    const { hardState } = disk.content;
    const others = election.votes.get(id) ?? [];
    const hasOwn = hardState.term === term && hardState.votedFor === id;
    const voters = hasOwn ? [...others, id] : others;
    election.leader = id;
    this.#elections += 1;
    this.#judge.check(
      isQuorumOf(membership, voters),
      'I1',
      () => `${id} leads in term ${term} with the votes of ${voters.join(', ') || 'nobody'}`,
    );
  }

  #electionOf(term: Term): Election {
    const known = this.#terms.get(term);
    if (known !== undefined) return known;
    const election: Election = { leader: null, votes: new Map() };
    this.#terms.set(term, election);
    return election;
  }
}
