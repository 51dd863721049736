import type { Message } from '../../../raft/core/messages.ts';
import type { NodeId, Term } from '../../../raft/core/types.ts';
import { entryOnDisk } from '../kernel/index.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

/**
 * I8: no message tells what a crash could take back: a term, a vote, an entry. I7: a node gives one vote in a term, whatever
 * it forgot in between (R1, R2, R3). Both are looked at where messages leave the process, so the whole shell is under test.
 */
export class DurableBeforeSent implements RaftChecker {
  readonly #judge: Judge;
  /** By node and term, over all lives. */
  readonly #votes = new Map<string, NodeId>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** A vote that was told is the vote of its term for ever, also while nobody asks for it again. */
  started({ id, disk }: RaftView): void {
    const { term, votedFor } = disk.content.hardState;
    const told = this.#votes.get(`${id} ${term}`);
    this.#judge.check(
      told === undefined || told === votedFor,
      'I7',
      () => `${id} voted for ${told} in term ${term}, and starts with a vote for ${votedFor}`,
    );
  }

  sent(node: RaftView, to: NodeId, message: Message): void {
    const { hardState } = node.disk.content;
    if (!isQuestionAbout(message)) {
      this.#judge.check(
        message.term <= hardState.term,
        'I8',
        () => `${node.id} tells ${to} of term ${message.term}, durable is ${hardState.term}`,
      );
    }
    if (message.kind === 'vote-request') this.#voted(node, message.term, node.id);
    if (message.kind === 'vote-response' && message.granted) this.#voted(node, message.term, to);
    if (message.kind === 'append-response' && message.result.kind === 'matched') {
      const { matchIndex } = message.result;
      const isDurable =
        matchIndex < node.disk.content.firstIndex ||
        entryOnDisk(node.disk, matchIndex) !== undefined;
      this.#judge.check(
        isDurable,
        'I8',
        () => `${node.id} claims entry ${matchIndex}, which is not durable`,
      );
    }
  }

  #voted(node: RaftView, term: Term, candidate: NodeId): void {
    const { hardState } = node.disk.content;
    const isDurable =
      hardState.term > term || (hardState.term === term && hardState.votedFor === candidate);
    this.#judge.check(
      isDurable,
      'I8',
      () => `${node.id} tells of its vote for ${candidate} in term ${term}`,
    );
    const key = `${node.id} ${term}`;
    const earlier = this.#votes.get(key);
    if (earlier === undefined) this.#votes.set(key, candidate);
    this.#judge.check(
      earlier === undefined || earlier === candidate,
      'I7',
      () => `${node.id} votes for ${earlier} and ${candidate} in term ${term}`,
    );
  }
}

/** A pre-vote speaks of a term that nobody is in. */
function isQuestionAbout(message: Message): boolean {
  return (
    message.kind === 'pre-vote-request' || (message.kind === 'pre-vote-response' && message.granted)
  );
}
