import { assert } from '../../../base/assert.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { type Fibers, WaitList } from './fibers.ts';

/** What a running server knows of GTIDs; a start computes it from the engine and the binlog. */
export class GtidState {
  readonly #serverUuid: string;
  #executed: GtidSet;
  #logged: GtidSet;
  /** Given to transactions on their way to the binlog or the engine, and not executed yet. */
  readonly #owned = new Set<string>();
  #next = 1n;
  /** Woken when `executed` grows. */
  readonly waiting: WaitList;

  constructor(options: {
    readonly serverUuid: string;
    readonly executed: GtidSet;
    readonly logged: GtidSet;
    readonly fibers: Fibers;
  }) {
    this.#serverUuid = options.serverUuid;
    this.#executed = options.executed;
    this.#logged = options.logged;
    this.waiting = new WaitList(options.fibers);
  }

  get executed(): GtidSet {
    return this.#executed;
  }

  /** Executed and in the binlog: what the next file names as PREVIOUS_GTIDS. */
  get logged(): GtidSet {
    return this.#logged;
  }

  /** Executed and not in the binlog, `gtid_purged`: what no dump can send. */
  get purged(): GtidSet {
    return this.#executed.subtract(this.#logged);
  }

  /** The lowest number that no transaction of this server has, and that was not given in this life. */
  generate(): Gtid {
    for (;;) {
      const gtid = { serverUuid: this.#serverUuid, tag: '', number: this.#next };
      if (this.#executed.has(gtid)) {
        this.#next = this.#endOfInterval(this.#next) + 1n;
      } else if (this.#owned.has(keyOf(gtid))) {
        this.#next += 1n;
      } else {
        this.#owned.add(keyOf(gtid));
        this.#next += 1n;
        return gtid;
      }
    }
  }

  /** False when it is executed already, or another thread is about to. */
  own(gtid: Gtid): boolean {
    if (this.#executed.has(gtid) || this.#owned.has(keyOf(gtid))) return false;
    this.#owned.add(keyOf(gtid));
    return true;
  }

  disown(gtid: Gtid): void {
    this.#owned.delete(keyOf(gtid));
  }

  log(gtid: Gtid): void {
    this.#logged.add(gtid);
  }

  execute(gtids: readonly Gtid[]): void {
    for (const gtid of gtids) {
      this.#owned.delete(keyOf(gtid));
      this.#executed.add(gtid);
    }
    this.waiting.wakeAll();
  }

  reset(): void {
    this.#executed = new GtidSet();
    this.#logged = new GtidSet();
    this.#next = 1n;
  }

  #endOfInterval(number: bigint): bigint {
    const own = this.#executed.sources.find(
      ({ serverUuid, tag }) => serverUuid === this.#serverUuid && tag === '',
    );
    const interval = own?.intervals.find(({ first, last }) => first <= number && number <= last);
    assert(interval !== undefined, 'an executed number is in an interval');
    return interval.last;
  }
}

function keyOf({ serverUuid, number }: Gtid): string {
  return `${serverUuid}:${number}`;
}
