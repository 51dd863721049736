import { type GraphBuilder, rw, via, wr, ww } from './dependency-graph.ts';
import { IntList, intAt, itemAt } from './numbers.ts';
import type { Transactions } from './transactions.ts';
import { lastVersionOf, unread, type Versions, writerAt } from './versions.ts';

/** Adds the edges that data tells: `ww`, `wr` and `rw`. */
export function addDependencies(
  transactions: Transactions,
  versions: Versions,
  builder: GraphBuilder,
): void {
  new DependencyFinder(transactions, versions, builder).find();
}

class DependencyFinder {
  readonly #transactions: Transactions;
  readonly #versions: Versions;
  readonly #builder: GraphBuilder;
  /** By slot: the nearest slot of the key, itself or before, that a transaction which took effect has filled; -1 if none. */
  readonly #filledUntil: Int32Array;
  /** By slot: the same, itself or after. */
  readonly #filledFrom: Int32Array;
  /** By key with appends that its longest read does not show: who appended them. They come after everything it shows. */
  readonly #unseenAppenders = new Map<number, IntList>();
  /** By such a key: who read its last version, and so did not see them. */
  readonly #lastReaders = new Map<number, IntList>();

  constructor(transactions: Transactions, versions: Versions, builder: GraphBuilder) {
    this.#transactions = transactions;
    this.#versions = versions;
    this.#builder = builder;
    this.#filledUntil = new Int32Array(versions.appendAt.length).fill(-1);
    this.#filledFrom = new Int32Array(versions.appendAt.length).fill(-1);
  }

  find(): void {
    this.#linkSlots();
    this.#findUnseenAppends();
    this.#linkReads();
    for (const [key, appenders] of this.#unseenAppenders) this.#linkUnseen(key, appenders);
  }

  /** Appends next to each other in a version order. What failed, and what nobody appended, has no place in one. */
  #linkSlots(): void {
    const { starts } = this.#versions;
    for (let key = 0; key < this.#transactions.keys.length; key += 1) {
      const [start, end] = [intAt(starts, key), intAt(starts, key + 1)];
      let filled = -1;
      for (let slot = start; slot < end; slot += 1) {
        if (this.#writerAt(slot) >= 0) {
          this.#linkAppends(filled, slot);
          filled = slot;
        }
        this.#filledUntil[slot] = filled;
      }
      filled = -1;
      for (let slot = end - 1; slot >= start; slot -= 1) {
        if (this.#writerAt(slot) >= 0) filled = slot;
        this.#filledFrom[slot] = filled;
      }
    }
  }

  #linkAppends(slot: number, nextSlot: number): void {
    if (slot < 0) return;
    const [writer, next] = [this.#writerAt(slot), this.#writerAt(nextSlot)];
    if (writer === next) return;
    this.#builder.addEdge(writer, next, ww, intAt(this.#versions.appendAt, nextSlot));
  }

  #findUnseenAppends(): void {
    const { appends } = this.#transactions;
    for (let append = 0; append < appends.count; append += 1) {
      const transaction = intAt(appends.transaction, append);
      const isSeen = intAt(this.#versions.slotOf, append) >= 0;
      if (isSeen || this.#versions.happened[transaction] !== 1) continue;
      const key = intAt(appends.key, append);
      pushOnce(listAt(this.#unseenAppenders, key), transaction);
    }
  }

  #linkReads(): void {
    const { operations, starts } = this.#transactions;
    for (let transaction = 0; transaction < operations.length; transaction += 1) {
      const end = intAt(starts, transaction + 1);
      for (let step = intAt(starts, transaction); step < end; step += 1) {
        const version = intAt(this.#versions.versionOf, step);
        if (version >= 0) this.#linkRead(transaction, step, version);
        else if (version !== unread) this.#linkIncompatibleRead(transaction, step);
      }
    }
  }

  #linkRead(reader: number, step: number, version: number): void {
    const key = intAt(this.#transactions.keyOf, step);
    const start = intAt(this.#versions.starts, key);
    const seen = version === 0 ? -1 : intAt(this.#filledUntil, start + version - 1);
    if (seen >= 0) {
      const writer = this.#writerAt(seen);
      // It read its own append: as the writer of that version it has its `ww` edges already.
      if (writer === reader) return;
      this.#builder.addEdge(writer, reader, wr, intAt(this.#versions.appendAt, seen));
    }
    const isLast = version === lastVersionOf(this.#versions, key);
    const unseen = isLast ? -1 : intAt(this.#filledFrom, start + version);
    if (unseen >= 0) {
      const overwriter = this.#writerAt(unseen);
      if (overwriter === reader) return;
      this.#builder.addEdge(reader, overwriter, rw, intAt(this.#versions.appendAt, unseen));
    } else if (this.#unseenAppenders.has(key)) {
      pushOnce(listAt(this.#lastReaders, key), reader);
    }
  }

  /**
   * A read that contradicts the version order still depends on who appended its last element. What it did not see, only a version
   * order could tell, and this one it contradicts.
   */
  #linkIncompatibleRead(reader: number, step: number): void {
    const { appends, listOf, keyOf } = this.#transactions;
    const list = itemAt(listOf, step) ?? [];
    const append = appends.find(intAt(keyOf, step), itemAt(list, list.length - 1));
    if (append < 0) return;
    const writer = intAt(appends.transaction, append);
    if (writer === reader || this.#versions.happened[writer] !== 1) return;
    this.#builder.addEdge(writer, reader, wr, append);
  }

  /**
   * Appends that no read shows come after all that the longest read shows: after its last append, and after everyone who read that
   * version. Their order among each other stays open.
   */
  #linkUnseen(key: number, appenders: IntList): void {
    const last = intAt(this.#versions.starts, key + 1) - 1;
    const hasSlots = lastVersionOf(this.#versions, key) > 0;
    const filled = hasSlots ? intAt(this.#filledUntil, last) : -1;
    const lastWriter = filled < 0 ? -1 : this.#writerAt(filled);
    const targets = [...appenders.view()];
    for (const appender of targets) {
      if (lastWriter >= 0 && lastWriter !== appender) {
        this.#builder.addEdge(lastWriter, appender, ww, -1 - key);
      }
    }
    const readers = this.#lastReaders.get(key);
    if (readers !== undefined) this.#linkAll([...readers.view()], targets, key);
  }

  /** `rw` edges from every reader to every appender, but none to itself, without writing out each pair. */
  #linkAll(readers: readonly number[], appenders: readonly number[], key: number): void {
    const isAppender = new Set(appenders);
    const isReader = new Set(readers);
    const both = readers.filter((reader) => isAppender.has(reader));
    const onlyReaders = readers.filter((reader) => !isAppender.has(reader));
    const onlyAppenders = appenders.filter((appender) => !isReader.has(appender));
    this.#linkThrough(onlyReaders, appenders, key);
    this.#linkThrough(both, onlyAppenders, key);
    this.#linkRow(both, key);
    this.#linkRow(both.toReversed(), key);
  }

  /** Everyone on the left to everyone on the right; nobody is on both sides. */
  #linkThrough(left: readonly number[], right: readonly number[], key: number): void {
    if (left.length === 0 || right.length === 0) return;
    const hub = this.#builder.addNode();
    for (const reader of left) this.#builder.addEdge(reader, hub, rw, -1 - key);
    for (const appender of right) this.#builder.addEdge(hub, appender, via, -1 - key);
  }

  /** Everyone in a row to everyone further on in it. */
  #linkRow(row: readonly number[], key: number): void {
    let hub = -1;
    for (const [place, member] of row.entries()) {
      const before = row[place - 1];
      if (before === undefined) continue;
      const next = this.#builder.addNode();
      // All that came before `before` reach `before` through `hub`, and from here on through it the rest of the row.
      if (hub >= 0) this.#builder.addEdge(hub, next, via, -1 - key);
      this.#builder.addEdge(before, next, rw, -1 - key);
      this.#builder.addEdge(next, member, via, -1 - key);
      hub = next;
    }
  }

  #writerAt(slot: number): number {
    return writerAt(this.#transactions, this.#versions, slot);
  }
}

function listAt(lists: Map<number, IntList>, key: number): IntList {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const list = new IntList();
  lists.set(key, list);
  return list;
}

/** The steps of a transaction come together, so what would be pushed twice stands last. */
function pushOnce(list: IntList, transaction: number): void {
  if (list.length === 0 || list.at(list.length - 1) !== transaction) list.push(transaction);
}
