import type { Effect } from '../../../raft/core/effects.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import {
  entryName,
  isSameEntry,
  type Judge,
  type RaftChecker,
  type RaftView,
} from './raft-checker.ts';

interface Appended {
  readonly entry: Entry;
  readonly previousTerm: number | null;
}

/**
 * I3, Log Matching: an index and a term name one entry for ever, and all that stands before it. It is enough that every entry
 * appended anywhere equals the one of its name, and follows the same term: the rest is induction.
 */
export class LogMatching implements RaftChecker {
  readonly #judge: Judge;
  /** By term, then by index. */
  readonly #appended = new Map<number, Map<number, Appended>>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  stepped(node: RaftView, _input: Input, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'persist') continue;
      for (const entry of effect.entries) this.#compare(node, entry);
    }
  }

  #compare(node: RaftView, entry: Entry): void {
    const previousTerm = node.log.termAt(entry.index - 1);
    const ofTerm = this.#appended.get(entry.term) ?? new Map<number, Appended>();
    this.#appended.set(entry.term, ofTerm);
    const known = ofTerm.get(entry.index);
    if (known === undefined) {
      ofTerm.set(entry.index, { entry, previousTerm });
      return;
    }
    const isSame = isSameEntry(known.entry, entry);
    this.#judge.check(isSame, 'I3', () => `${node.id} has another entry ${entryName(entry)}`);
    const isComparable = known.previousTerm !== null && previousTerm !== null;
    const follows = !isComparable || known.previousTerm === previousTerm;
    this.#judge.check(
      follows,
      'I3',
      () =>
        `${node.id} has ${entryName(entry)} behind term ${previousTerm}, another ${known.previousTerm}`,
    );
  }
}
