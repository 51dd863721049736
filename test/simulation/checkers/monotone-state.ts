import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { LogIndex, NodeId, Term } from '../../../raft/core/types.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

interface Seen {
  readonly term: Term;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
}

/**
 * I6: within a life neither term nor commit index nor applied index goes back. A new life begins with no older term than was
 * ever durable on its disk, whatever was done to the disk meanwhile: it refuses to open instead (R12).
 */
export class MonotoneState implements RaftChecker {
  readonly #judge: Judge;
  readonly #seen = new WeakMap<RaftView, Seen>();
  readonly #durableTerms = new Map<NodeId, Term>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  started(node: RaftView): void {
    const { term } = node.status;
    const durable = this.#durableTerms.get(node.id) ?? 0;
    this.#judge.check(
      term >= durable,
      'I6',
      () => `${node.id} starts in term ${term}, ${durable} was durable`,
    );
    this.#remember(node);
  }

  stepped(node: RaftView, _input: Input, _effects: readonly Effect[]): void {
    const { status } = node;
    const before = this.#seen.get(node);
    this.#durableTerms.set(node.id, node.disk.content.hardState.term);
    if (before === undefined) return;
    const isMonotone =
      status.term >= before.term &&
      status.commitIndex >= before.commitIndex &&
      status.appliedIndex >= before.appliedIndex;
    this.#judge.check(
      isMonotone,
      'I6',
      () =>
        `${node.id} goes back from term ${before.term}, commit ${before.commitIndex}, applied ${before.appliedIndex}` +
        ` to term ${status.term}, commit ${status.commitIndex}, applied ${status.appliedIndex}`,
    );
    this.#remember(node);
  }

  #remember(node: RaftView): void {
    const { term, commitIndex, appliedIndex } = node.status;
    this.#seen.set(node, { term, commitIndex, appliedIndex });
  }
}
