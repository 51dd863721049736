import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { Ledger } from './ledger.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

/**
 * "The log decides, then the database starts": when a node says that its tail is decided, nothing behind its commit index that
 * it wrote in an earlier term can ever commit. So the newest committed entry must be one of the current term: terms only
 * grow along the ledger, which that checker sees to. A binlog is cut on the strength of this (G2, H26).
 */
export class TailDecided implements RaftChecker {
  readonly #judge: Judge;
  readonly #ledger: Ledger;

  constructor(judge: Judge, ledger: Ledger) {
    this.#judge = judge;
    this.#ledger = ledger;
  }

  stepped(node: RaftView, _input: Input, _effects: readonly Effect[]): void {
    const { isTailDecided, commitIndex, term } = node.status;
    if (!isTailDecided) return;
    const newest = this.#ledger.at(commitIndex);
    this.#judge.check(
      newest?.term === term,
      'tail',
      () =>
        `${node.id} calls its tail decided in term ${term}, committed is ${commitIndex}@${newest?.term}`,
    );
  }
}
