import type { Effect } from '../../../raft/core/effects.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { Term } from '../../../raft/core/types.ts';
import type { Ledger } from './ledger.ts';
import {
  entryName,
  isSameEntry,
  type Judge,
  type RaftChecker,
  type RaftView,
} from './raft-checker.ts';

interface Before {
  /** Null when it did not lead. */
  readonly ledTerm: Term | null;
  readonly commitIndex: number;
}

/**
 * What a leader's log must be. I2, Leader Append-Only: it removes nothing while it leads. I4, Leader Completeness: when elected it
 * holds all that was committed in earlier terms (so it was more up to date than a quorum, R12, R14; Raft thesis §3.6.3). Of later
 * ones it need not know: a candidate that was stopped may count its votes when a newer leader has long committed. I10: it takes for committed
 * what ends with an entry of its own term, never an older one by counting (R10).
 */
export class LeaderLog implements RaftChecker {
  readonly #judge: Judge;
  readonly #ledger: Ledger;
  /** After the step before. */
  readonly #before = new WeakMap<RaftView, Before>();
  /** By index: the term of whoever first knew that the entry is committed. */
  readonly #commitTerms = new Map<number, Term>();

  constructor(judge: Judge, ledger: Ledger) {
    this.#judge = judge;
    this.#ledger = ledger;
  }

  stepped(node: RaftView, _input: Input, effects: readonly Effect[]): void {
    const { role, term, commitIndex } = node.status;
    const ledTerm = role === 'leader' ? term : null;
    const before = this.#before.get(node);
    if (ledTerm !== null) {
      if (before?.ledTerm !== ledTerm) this.#elected(node);
      else this.#appendsOnly(node, effects);
      if (commitIndex > (before?.commitIndex ?? 0)) this.#committed(node);
    }
    if (before?.ledTerm !== ledTerm || before.commitIndex !== commitIndex) {
      this.#before.set(node, { ledTerm, commitIndex });
    }
  }

  committed(entry: Entry, node: RaftView): void {
    this.#commitTerms.set(entry.index, node.status.term);
  }

  #elected(node: RaftView): void {
    for (let index = node.log.firstIndex; index <= this.#ledger.length; index += 1) {
      const committed = this.#ledger.at(index);
      const own = node.log.at(index);
      const hasIt = committed !== undefined && own !== undefined && isSameEntry(own, committed);
      const isLater = (this.#commitTerms.get(index) ?? 0) >= node.status.term;
      if (hasIt || isLater) continue;
      const what = committed === undefined ? `${index}` : entryName(committed);
      this.#judge.check(
        false,
        'I4',
        () => `leader ${node.id} of term ${node.status.term} lacks ${what}`,
      );
      return;
    }
  }

  #appendsOnly(node: RaftView, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'persist' || effect.truncateFrom === null) continue;
      this.#judge.check(false, 'I2', () => `leader ${node.id} removes ${effect.truncateFrom}`);
    }
  }

  #committed(node: RaftView): void {
    const { commitIndex, term } = node.status;
    const newestTerm = node.log.termAt(commitIndex);
    this.#judge.check(
      newestTerm === term,
      'I10',
      () => `leader ${node.id} of term ${term} commits up to ${commitIndex}@${newestTerm}`,
    );
  }
}
