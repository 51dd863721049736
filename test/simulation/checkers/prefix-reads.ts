import type { Simulation } from '../kernel/simulation.ts';
import type { CommittedLog, LogTransaction } from '../node/committed-log.ts';

/** A read of a whole table to which rows are only added. */
interface SetRead {
  readonly reader: string;
  readonly connection: number;
  readonly keys: readonly string[];
  readonly commitIndexThen: number;
}

/**
 * C7: what any port shows is the state after some prefix of the log: no hole in it, nothing that is not committed, and on one
 * connection never less than before.
 */
export class PrefixChecker {
  readonly #simulation: Simulation;
  readonly #log: CommittedLog;
  readonly #table: string;
  readonly #reads: SetRead[] = [];

  constructor(simulation: Simulation, log: CommittedLog, table: string) {
    this.#simulation = simulation;
    this.#log = log;
    this.#table = table;
  }

  get count(): number {
    return this.#reads.length;
  }

  /** `reader` and `connection` name one connection. */
  saw(read: Omit<SetRead, 'commitIndexThen'>): void {
    this.#reads.push({ ...read, commitIndexThen: this.#log.commitIndexMax });
  }

  /** At the end, when the whole log is known. */
  judgeAll(): void {
    const places = placesOf(this.#table, this.#log.transactions);
    const newest = new Map<string, number>();
    for (const read of this.#reads) {
      const { reader, connection, keys } = read;
      const connectionName = `${reader} #${connection}`;
      this.#judge(read, places);
      const before = newest.get(connectionName) ?? 0;
      this.#simulation.check(
        keys.length >= before,
        'C7',
        () => `${connectionName} saw ${keys.length} rows, and ${before} before`,
      );
      newest.set(connectionName, Math.max(before, keys.length));
    }
  }

  #judge({ reader, keys, commitIndexThen }: SetRead, places: ReadonlyMap<string, Place>): void {
    for (const key of keys) {
      const place = places.get(key);
      this.#simulation.check(
        place !== undefined && place.index <= commitIndexThen,
        'C7',
        () => `${reader} saw ${key}, which was not committed up to ${commitIndexThen}`,
      );
      this.#simulation.check(
        place === undefined || place.ordinal <= keys.length,
        'C7',
        () =>
          `${reader} saw ${keys.length} rows with ${key}, the ${place?.ordinal}th: there is a hole`,
      );
    }
  }
}

interface Place {
  readonly ordinal: number;
  readonly index: number;
}

function placesOf(
  table: string,
  transactions: readonly LogTransaction[],
): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const { content, finalIndex } of transactions) {
    for (const edit of content.edits) {
      if (edit.table !== table || places.has(edit.key)) continue;
      places.set(edit.key, { ordinal: places.size + 1, index: finalIndex });
    }
  }
  return places;
}
