import { fromUtf8 } from '../../../base/bytes.ts';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import type { Judge, RaftChecker } from './raft-checker.ts';

interface Write {
  readonly index: number;
  readonly value: string;
}

/**
 * What the registers hold at each place of the ledger. Reads are compared with it, and acknowledged writes: each must be in
 * the ledger for ever, at the place it was told (C5, G3), and no write may be there twice (C9).
 */
export class RegisterValues implements RaftChecker {
  readonly #judge: Judge;
  /** By key, ascending. */
  readonly #writes = new Map<string, Write[]>();
  readonly #places = new Map<string, number>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  committed(entry: Entry): void {
    if (entry.kind !== EntryKind.data) return;
    const { key, value } = decodeWrite(entry.payload);
    const earlier = this.#places.get(value);
    this.#judge.check(
      earlier === undefined,
      'C9',
      () => `${value} is committed at ${earlier} and at ${entry.index}`,
    );
    this.#places.set(value, entry.index);
    const writes = this.#writes.get(key) ?? [];
    writes.push({ index: entry.index, value });
    this.#writes.set(key, writes);
  }

  /** `value` is null where nothing was written yet. */
  checkRead(read: {
    readonly key: string;
    readonly value: string | null;
    readonly place: number;
  }): void {
    const expected = this.#valueAt(read.key, read.place);
    this.#judge.check(
      expected === read.value,
      'C8',
      () => `${read.key} at ${read.place} was read as ${read.value}, it is ${expected}`,
    );
  }

  checkWrite(write: { readonly value: string; readonly place: number }): void {
    const place = this.#places.get(write.value);
    this.#judge.check(
      place === write.place,
      'G3',
      () => `${write.value} was acknowledged at ${write.place}, it is at ${place ?? 'no place'}`,
    );
  }

  #valueAt(key: string, place: number): string | null {
    const writes = this.#writes.get(key) ?? [];
    let low = 0;
    let high = writes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((writes[middle]?.index ?? Infinity) <= place) low = middle + 1;
      else high = middle;
    }
    return writes[low - 1]?.value ?? null;
  }
}

/** The payload of a write: key, a blank, a value that is unique in the run; padding behind another blank. */
export function decodeWrite(payload: Uint8Array): { readonly key: string; readonly value: string } {
  const [key = '', value = ''] = fromUtf8(payload).split(' ', 2);
  return { key, value };
}
