import { ByteReader } from '../../base/bytes.ts';
import type { Gtid } from './gtid.ts';
import { type GtidInterval, GtidIntervals } from './gtid-intervals.ts';
import { decodeGtidSources, encodeGtidSources, type GtidSource } from './gtid-set-codec.ts';
import { formatGtidSources, parseGtidSources } from './gtid-set-text.ts';

interface Source {
  readonly serverUuid: string;
  readonly tag: string;
  readonly intervals: GtidIntervals;
}

/**
 * A set of transactions, kept as intervals per server and tag: its size follows the number of gaps, not of transactions.
 * `add` and `addAll` change the set; `union`, `subtract` and `intersect` answer with a new one.
 */
export class GtidSet {
  /** By UUID and tag; no value is empty. */
  readonly #sources = new Map<string, Source>();

  /** Reads MySQL's text form; throws `BinlogError` MYSQL_GTID_SET_MALFORMED. */
  static parse(text: string): GtidSet {
    return GtidSet.#of(parseGtidSources(text));
  }

  /** Reads the form of COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS; throws `BinlogError` MYSQL_GTID_SET_MALFORMED. */
  static decode(bytes: Uint8Array): GtidSet {
    return GtidSet.#of(decodeGtidSources(new ByteReader(bytes)));
  }

  static of(...gtids: readonly Gtid[]): GtidSet {
    const set = new GtidSet();
    for (const gtid of gtids) set.add(gtid);
    return set;
  }

  static #of(sources: readonly GtidSource[]): GtidSet {
    const set = new GtidSet();
    for (const { serverUuid, tag, intervals } of sources) {
      for (const interval of intervals) set.#addInterval({ serverUuid, tag }, interval);
    }
    return set;
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** How many transactions. */
  get count(): bigint {
    let sum = 0n;
    for (const { intervals } of this.#sources.values()) sum += intervals.count;
    return sum;
  }

  /** By UUID, then tag, as MySQL orders them. */
  get sources(): readonly GtidSource[] {
    return [...this.#sources.keys()].sort().flatMap((key) => {
      const source = this.#sources.get(key);
      return source === undefined ? [] : [{ ...source, intervals: source.intervals.intervals }];
    });
  }

  clone(): GtidSet {
    return this.union(new GtidSet());
  }

  add(gtid: Gtid): void {
    this.#addInterval(gtid, { first: gtid.number, last: gtid.number });
  }

  addAll(other: GtidSet): void {
    for (const source of other.#sources.values()) {
      for (const interval of source.intervals.intervals) this.#addInterval(source, interval);
    }
  }

  has(gtid: Gtid): boolean {
    return this.#sources.get(keyOf(gtid))?.intervals.has(gtid.number) ?? false;
  }

  union(other: GtidSet): GtidSet {
    const result = new GtidSet();
    for (const [key, source] of this.#sources) {
      result.#sources.set(key, { ...source, intervals: source.intervals.clone() });
    }
    result.addAll(other);
    return result;
  }

  /** What is here and not in `other`. */
  subtract(other: GtidSet): GtidSet {
    const result = new GtidSet();
    for (const [key, source] of this.#sources) {
      const removed = other.#sources.get(key)?.intervals;
      if (removed !== undefined && source.intervals.isSubsetOf(removed)) continue;
      const intervals = source.intervals.clone();
      for (const interval of removed?.intervals ?? []) intervals.remove(interval);
      if (!intervals.isEmpty) result.#sources.set(key, { ...source, intervals });
    }
    return result;
  }

  intersect(other: GtidSet): GtidSet {
    return this.subtract(this.subtract(other));
  }

  isSubsetOf(other: GtidSet): boolean {
    for (const [key, { intervals }] of this.#sources) {
      const theirs = other.#sources.get(key);
      if (theirs === undefined || !intervals.isSubsetOf(theirs.intervals)) return false;
    }
    return true;
  }

  equals(other: GtidSet): boolean {
    if (this.#sources.size !== other.#sources.size) return false;
    for (const [key, { intervals }] of this.#sources) {
      const theirs = other.#sources.get(key);
      if (theirs === undefined || !intervals.equals(theirs.intervals)) return false;
    }
    return true;
  }

  encode(): Uint8Array {
    return encodeGtidSources(this.sources);
  }

  /** MySQL's canonical text: equal sets give equal text. */
  toString(): string {
    return formatGtidSources(this.sources);
  }

  #addInterval({ serverUuid, tag }: Omit<Gtid, 'number'>, interval: GtidInterval): void {
    const key = keyOf({ serverUuid, tag });
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = { serverUuid, tag, intervals: new GtidIntervals() };
      this.#sources.set(key, source);
    }
    source.intervals.add(interval);
  }
}

/** UUIDs have one length, so the order of keys is the order of UUIDs, then tags. */
function keyOf({ serverUuid, tag }: Omit<Gtid, 'number'>): string {
  return tag === '' ? serverUuid : `${serverUuid}:${tag}`;
}
