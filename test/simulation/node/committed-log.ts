import { concatBytes } from '../../../base/bytes.ts';
import { decodeEntryPayload } from '../../../mysql-bridge/binlog/entry-payload.ts';
import { formatGtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { TransactionScan } from '../../../mysql-bridge/ledger/transaction-scan.ts';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { logIndex } from '../../../raft/core/types.ts';
import type { Raft } from '../../../raft/raft-api.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { Simulation } from '../kernel/simulation.ts';
import type { RowEdit, TransactionContent } from '../mysql/event-bytes.ts';
import { type ReadTransaction, readTransaction } from '../mysql/event-reader.ts';

/** A transaction of the log, complete. */
export interface LogTransaction {
  readonly gtid: string;
  readonly firstIndex: number;
  readonly finalIndex: number;
  readonly content: ReadTransaction;
}

/** Somebody acted on the belief that a transaction is committed. */
interface Claim {
  readonly rule: string;
  readonly who: string;
  /** What they take it for, if they have it: a GTID alone may name two things. */
  readonly content: TransactionContent | null;
  readonly commitIndexThen: number;
}

const readBytesMax = 8 * 1024 * 1024;

/**
 * The one committed log of a run, as an outsider sees it who is told of every node's commit index at once: what all
 * other checkers compare with. That the nodes agree on it is for the checkers of Raft (I5).
 */
export class CommittedLog {
  readonly #simulation: Simulation;
  readonly #entries: Entry[] = [];
  readonly #transactions: LogTransaction[] = [];
  readonly #byGtid = new Map<string, LogTransaction>();
  readonly #scan = new TransactionScan(logIndex(0));
  readonly #claims = new Map<string, Claim[]>();
  readonly #listeners: ((transaction: LogTransaction) => void)[] = [];
  #commitIndexMax = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** The newest index that any node knew to be committed by now. */
  get commitIndexMax(): number {
    return this.#commitIndexMax;
  }

  get transactions(): readonly LogTransaction[] {
    return this.#transactions;
  }

  /** Transactions that took several entries. */
  get fragmentedCount(): number {
    return this.#transactions.filter(({ firstIndex, finalIndex }) => firstIndex < finalIndex)
      .length;
  }

  /** Entries of transactions that were begun in the log and not ended. */
  get abandonedCount(): number {
    const data = this.#entries.filter(({ kind }) => kind === EntryKind.data).length;
    return this.#transactions.reduce(
      (left, { firstIndex, finalIndex }) => left - (finalIndex - firstIndex + 1),
      data,
    );
  }

  find(gtid: string): LogTransaction | null {
    return this.#byGtid.get(gtid) ?? null;
  }

  onTransaction(listener: (transaction: LogTransaction) => void): void {
    this.#listeners.push(listener);
  }

  /** Follows what a node knows to be committed, as long as its process lives. */
  watch(raft: Raft, process: SimProcess): void {
    let isReading = false;
    const follow = (): void => {
      const { commitIndex } = raft.status;
      this.#commitIndexMax = Math.max(this.#commitIndexMax, commitIndex);
      if (isReading || process.isDead || commitIndex <= this.#entries.length) return;
      isReading = true;
      const first = logIndex(this.#entries.length + 1);
      raft.read({ first, last: commitIndex, bytesMax: readBytesMax }).then(
        (entries) => {
          isReading = false;
          for (const entry of entries) this.#take(entry);
          follow();
        },
        () => {
          isReading = false;
        },
      );
    };
    raft.onChange(follow);
    follow();
  }

  /** `who` acts on it that this transaction is committed now. Judged at once or as soon as the log is known that far. */
  claim(
    gtid: string,
    rule: string,
    { who, content = null }: { readonly who: string; readonly content?: TransactionContent | null },
  ): void {
    const claim = { rule, who, content, commitIndexThen: this.#commitIndexMax };
    const known = this.#byGtid.get(gtid);
    if (known !== undefined) {
      this.#judge(claim, known);
      return;
    }
    const waiting = this.#claims.get(gtid);
    if (waiting === undefined) this.#claims.set(gtid, [claim]);
    else waiting.push(claim);
  }

  /** At the end of a run, when the whole log is known: whatever was claimed must be in it. */
  judgeAll(): void {
    for (const [gtid, claims] of this.#claims) {
      for (const { rule, who } of claims) {
        this.#simulation.violated(rule, `${who}: ${gtid}, which is not in the log`);
      }
    }
  }

  #take(entry: Entry): void {
    if (entry.index !== this.#entries.length + 1) return;
    this.#entries.push(entry);
    const logged = this.#scan.take(entry);
    if (logged === null) return;
    const gtid = formatGtid(logged.gtid);
    const { firstIndex, finalIndex } = logged;
    const parts = this.#entries
      .slice(firstIndex - 1, finalIndex)
      .map(({ payload }) => decodeEntryPayload(payload).events);
    const events = parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(parts);
    const transaction = { gtid, firstIndex, finalIndex, content: readTransaction(events) };
    this.#simulation.check(
      !this.#byGtid.has(gtid),
      'G6',
      () => `${gtid} is committed a second time at log index ${finalIndex}`,
    );
    this.#byGtid.set(gtid, transaction);
    this.#transactions.push(transaction);
    for (const claim of this.#claims.get(gtid) ?? []) this.#judge(claim, transaction);
    this.#claims.delete(gtid);
    for (const listener of this.#listeners) listener(transaction);
  }

  #judge({ rule, who, content, commitIndexThen }: Claim, logged: LogTransaction): void {
    const { gtid, finalIndex } = logged;
    this.#simulation.check(
      finalIndex <= commitIndexThen,
      rule,
      () =>
        `${who}: ${gtid} at log index ${finalIndex}, when the log was committed up to ${commitIndexThen}`,
    );
    this.#simulation.check(
      content === null || isSameContent(content, logged.content),
      rule,
      () => `${who}: ${gtid}, which is something else at log index ${finalIndex}`,
    );
  }
}

function isSameContent(one: TransactionContent, other: TransactionContent): boolean {
  const isSameSchema =
    one.schemaChange === other.schemaChange ||
    JSON.stringify(one.schemaChange) === JSON.stringify(other.schemaChange);
  return (
    isSameSchema &&
    one.edits.length === other.edits.length &&
    one.edits.every((edit, place) => isSameEdit(edit, other.edits[place]))
  );
}

function isSameEdit(one: RowEdit, other: RowEdit | undefined): boolean {
  return (
    one.table === other?.table &&
    one.key === other.key &&
    one.before === other.before &&
    one.after === other.after
  );
}
