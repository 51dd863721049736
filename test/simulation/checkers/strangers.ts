import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { NodeId } from '../../../raft/core/types.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

/** I12: a message of somebody who is no member changes nothing and is answered by nothing (R3). */
export class Strangers implements RaftChecker {
  readonly #judge: Judge;
  readonly #isStranger: (id: NodeId) => boolean;
  #refused = 0;

  constructor(judge: Judge, isStranger: (id: NodeId) => boolean) {
    this.#judge = judge;
    this.#isStranger = isStranger;
  }

  get refused(): number {
    return this.#refused;
  }

  stepped(node: RaftView, input: Input, effects: readonly Effect[]): void {
    if (input.kind !== 'message' || !this.#isStranger(input.from)) return;
    this.#refused += 1;
    this.#judge.check(
      effects.length === 0,
      'I12',
      () => `${node.id} acts on ${input.message.kind} of the stranger ${input.from}`,
    );
  }
}
