import { bytesEqual } from '../base/bytes.ts';
import type { ScannedTransaction } from './binlog/binlog-file-scan.ts';
import { formatGtid, type Gtid } from './binlog/gtid.ts';
import type { CutSource } from './saved-cuts.ts';

/** What the log has under a name. */
export type LoggedContent =
  /** Its events as the server that wrote them sent them, in pieces that are valid until the next is asked for. */
  | { readonly kind: 'found'; readonly events: AsyncIterable<Uint8Array> | Iterable<Uint8Array> }
  /** It was committed, and its entries are no longer held. */
  | { readonly kind: 'compacted' }
  /** It is not behind the one that was asked for before it. */
  | { readonly kind: 'not-behind' };

/** Committed transactions of the log, asked for in its order. */
export interface LoggedContents {
  find(gtid: Gtid): Promise<LoggedContent>;
}

/** So much of the file is read ahead: transactions are small. */
const windowBytes = 256 * 1024;

/**
 * Holds the committed transactions of a binlog file against those that the log has under the same GTIDs: every byte of every event,
 * and their order. A server whose GTIDs were reset hands them out again, and by its name alone the second transaction passes for
 * the first.
 */
export class BinlogComparison {
  readonly #file: CutSource;
  readonly #logged: LoggedContents;
  #waiting: ScannedTransaction[] = [];
  #window: Uint8Array = new Uint8Array();
  #windowAt = 0;

  constructor(options: { readonly file: CutSource; readonly logged: LoggedContents }) {
    this.#file = options.file;
    this.#logged = options.logged;
  }

  /** The next of the file that is committed. */
  take(transaction: ScannedTransaction): void {
    this.#waiting.push(transaction);
  }

  /** Of those that were taken, what is wrong with the first that differs; null when none does. */
  async check(): Promise<string | null> {
    const transactions = this.#waiting;
    this.#waiting = [];
    for (const transaction of transactions) {
      const difference = await this.#differenceOf(transaction);
      if (difference !== null) return `${formatGtid(transaction.gtid)} ${difference}`;
    }
    return null;
  }

  async #differenceOf({ gtid, start, end }: ScannedTransaction): Promise<string | null> {
    const logged = await this.#logged.find(gtid);
    if (logged.kind === 'compacted') return null;
    if (logged.kind === 'not-behind') return 'stands at another place of the log than here';
    let at = Number(start);
    for await (const piece of logged.events) {
      if (at + piece.length > Number(end)) return isSomethingElse;
      const here = await this.#read(at, piece.length);
      if (!bytesEqual(here, piece)) return isSomethingElse;
      at += piece.length;
    }
    return at === Number(end) ? null : isSomethingElse;
  }

  /** Bytes of the file, fewer at its end. Valid until the next call. */
  async #read(at: number, length: number): Promise<Uint8Array> {
    const from = at - this.#windowAt;
    if (from < 0 || from + length > this.#window.length) {
      this.#window = await this.#fill(at, Math.max(length, windowBytes));
      this.#windowAt = at;
    }
    const offset = at - this.#windowAt;
    return this.#window.subarray(offset, offset + length);
  }

  async #fill(at: number, length: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(length);
    let held = 0;
    while (held < length) {
      const { bytesRead } = await this.#file.read(buffer, held, length - held, at + held);
      if (bytesRead === 0) break;
      held += bytesRead;
    }
    return buffer.subarray(0, held);
  }
}

const isSomethingElse = 'is something else in the log: its GTID was handed out a second time';
