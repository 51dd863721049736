import type { Effect } from '../../../raft/core/effects.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { SnapshotMeta } from '../../../raft/core/snapshot.ts';
import {
  entryName,
  isSameEntry,
  type Judge,
  type RaftChecker,
  type RaftView,
} from './raft-checker.ts';

/**
 * I5, State-Machine Safety (Raft thesis figure 3.2): what was committed at an index anywhere is what is committed there
 * everywhere, for the whole run and over all lives. It is also the order that all other checkers measure by.
 */
export class Ledger implements RaftChecker {
  readonly #judge: Judge;
  readonly #entries: Entry[] = [];
  readonly #onCommitted: (entry: Entry, node: RaftView) => void;
  /** By life: up to where it was compared. */
  readonly #comparedTo = new WeakMap<RaftView, number>();

  constructor(judge: Judge, onCommitted: (entry: Entry, node: RaftView) => void) {
    this.#judge = judge;
    this.#onCommitted = onCommitted;
  }

  get length(): number {
    return this.#entries.length;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - 1];
  }

  stepped(node: RaftView, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'persist' && effect.snapshot !== null)
        this.#compareBase(node, effect.snapshot);
    }
    const { commitIndex } = node.status;
    let index = this.#comparedTo.get(node) ?? 0;
    if (index >= commitIndex) return;
    for (index += 1; index <= commitIndex; index += 1) this.#compare(node, index);
    this.#comparedTo.set(node, commitIndex);
  }

  /** A log begins behind what is committed, and nothing else: then what was compacted away is the ledger's. */
  #compareBase(node: RaftView, { last }: SnapshotMeta): void {
    const known = this.at(last.index);
    this.#judge.check(
      known?.term === last.term,
      'I5',
      () =>
        `the log of ${node.id} begins behind ${last.index}@${last.term}, committed is ${last.index}@${known?.term}`,
    );
  }

  #compare(node: RaftView, index: number): void {
    const found = node.log.at(index);
    const known = this.at(index);
    if (found === undefined) {
      const isCovered = index < node.log.firstIndex && known !== undefined;
      this.#judge.check(isCovered, 'I5', () => `${node.id} commits ${index} and does not hold it`);
      return;
    }
    if (known !== undefined) {
      const isSame = isSameEntry(known, found);
      this.#judge.check(
        isSame,
        'I5',
        () => `${node.id} commits ${entryName(found)}, another ${entryName(known)}`,
      );
      return;
    }
    const follows = index === this.#entries.length + 1;
    this.#judge.check(
      follows,
      'I5',
      () => `${node.id} commits ${index} behind ${this.#entries.length}`,
    );
    const isOrdered = found.term >= (this.#entries.at(-1)?.term ?? 0);
    this.#judge.check(
      isOrdered,
      'I5',
      () => `${node.id} commits ${entryName(found)} behind a later term`,
    );
    this.#entries.push(found);
    this.#onCommitted(found, node);
  }
}
