import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { AppendResponse, Message } from '../../../raft/core/messages.ts';
import type { NodeId, Term } from '../../../raft/core/types.ts';
import { isQuorumOf } from '../../raft/safety-checker.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

/** The most that one node ever told another in one term. */
interface Told {
  matchIndex: number;
  readRound: number;
}

/** A leader after the step before. */
interface Before {
  readonly term: Term;
  readonly quorumRound: number;
  readonly membershipIndex: number;
}

const nothing: Told = { matchIndex: 0, readRound: 0 };

/**
 * I12: what a leader knows of a follower, that follower told it in the term of this leader; and a round counts as confirmed when a
 * quorum told it so (C8, Raft thesis §6.4). Answers come late: who lost a term and won another may meet those of the first, which speak of a
 * log that may have been cut since, and echo rounds of other reads. Such an answer often agrees with what is so; only who
 * remembers what was said when can tell.
 */
export class AnswersCounted implements RaftChecker {
  readonly #judge: Judge;
  /** By term, then by follower and leader. */
  readonly #told = new Map<Term, Map<string, Told>>();
  readonly #before = new WeakMap<RaftView, Before>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  sent({ id }: RaftView, to: NodeId, message: Message): void {
    if (message.kind !== 'append-response') return;
    const ofTerm = this.#told.get(message.term) ?? new Map<string, Told>();
    this.#told.set(message.term, ofTerm);
    const key = `${id}>${to}`;
    const told = ofTerm.get(key) ?? { ...nothing };
    ofTerm.set(key, told);
    told.matchIndex = Math.max(told.matchIndex, matchOf(message));
    told.readRound = Math.max(told.readRound, message.readRound);
  }

  stepped(node: RaftView, input: Input, _effects: readonly Effect[]): void {
    if (node.status.role !== 'leader') return;
    if (input.kind === 'message' && input.message.kind === 'append-response') {
      this.#checkMatch(node, input.from);
    }
    this.#checkRound(node);
  }

  #checkMatch({ id, status }: RaftView, from: NodeId): void {
    const counted = status.peers.find((peer) => peer.id === from)?.matchIndex ?? 0;
    const told = this.#toldBy(from, { id, status }).matchIndex;
    this.#judge.check(
      counted <= told,
      'I12',
      () =>
        `leader ${id} of term ${status.term} counts ${from} up to ${counted}, in this term it was told ${told}`,
    );
  }

  #checkRound(node: RaftView): void {
    const { id, status } = node;
    const { term, quorumRound, membership, membershipIndex } = status;
    const before = this.#before.get(node);
    if (before?.term === term && before.quorumRound === quorumRound) return;
    this.#before.set(node, { term, quorumRound, membershipIndex });
    // The quorum may have been one of the configuration that ended with this step.
    if (before?.membershipIndex !== membershipIndex || quorumRound === 0) return;
    const echoes = status.peers
      .filter((peer) => this.#toldBy(peer.id, node).readRound >= quorumRound)
      .map((peer) => peer.id);
    this.#judge.check(
      isQuorumOf(membership, [...echoes, id]),
      'C8',
      () =>
        `leader ${id} of term ${term} takes round ${quorumRound} for confirmed, which ${echoes.join(', ') || 'nobody'} echoed`,
    );
  }

  #toldBy(from: NodeId, { id, status }: Pick<RaftView, 'id' | 'status'>): Told {
    return this.#told.get(status.term)?.get(`${from}>${id}`) ?? nothing;
  }
}

function matchOf({ result }: AppendResponse): number {
  return result.kind === 'matched' ? result.matchIndex : 0;
}
