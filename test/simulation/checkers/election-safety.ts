import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { NodeId, Term } from '../../../raft/core/types.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

/** I1, Election Safety: at most one leader in a term, counting every life of every node (R1, R2). */
export class ElectionSafety implements RaftChecker {
  readonly #judge: Judge;
  readonly #leaders = new Map<Term, NodeId>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  /** Terms that had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  stepped(node: RaftView, _input: Input, _effects: readonly Effect[]): void {
    const { role, term } = node.status;
    if (role !== 'leader') return;
    const other = this.#leaders.get(term);
    if (other === undefined) this.#leaders.set(term, node.id);
    else
      this.#judge.check(
        other === node.id,
        'I1',
        () => `${other} and ${node.id} lead in term ${term}`,
      );
  }
}
