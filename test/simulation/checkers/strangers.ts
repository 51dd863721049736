import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

const answers: readonly string[] = [
  'vote-response',
  'pre-vote-response',
  'append-response',
  'read-index-response',
];

/**
 * I12: the word of somebody who is no member never counts: no vote, no acknowledgement and no answer of his changes anything at a
 * node that leads or campaigns (R3). His questions are another matter, and whom a follower takes for its leader: that may be a
 * member by a configuration that has not arrived here. They are judged by what they do to the other rules.
 */
export class Strangers implements RaftChecker {
  readonly #judge: Judge;
  readonly #isStranger: (id: NodeId) => boolean;
  /** By life: whether somebody's word counted before the step. */
  readonly #asks = new WeakMap<RaftView, boolean>();
  #refused = 0;

  constructor(judge: Judge, isStranger: (id: NodeId) => boolean) {
    this.#judge = judge;
    this.#isStranger = isStranger;
  }

  /** Answers of strangers that came and went. */
  get refused(): number {
    return this.#refused;
  }

  stepped(node: RaftView, input: Input, effects: readonly Effect[]): void {
    const asked = this.#asks.get(node) ?? false;
    this.#asks.set(node, node.status.role !== 'follower');
    if (input.kind !== 'message' || !asked || !this.#isStranger(input.from)) return;
    if (!answers.includes(input.message.kind)) return;
    this.#refused += 1;
    this.#judge.check(
      effects.length === 0,
      'I12',
      () => `${node.id} acts on ${input.message.kind} of the stranger ${input.from}`,
    );
  }
}
