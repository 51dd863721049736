import { type Steps, WaitList } from './fibers.ts';
import type { ServerLife } from './server-life.ts';

/** A place in the binlog, by number of its file. */
export interface BinlogPlace {
  readonly file: number;
  readonly offset: number;
}

export function isAtOrBefore(left: BinlogPlace, right: BinlogPlace): boolean {
  return left.file < right.file || (left.file === right.file && left.offset <= right.offset);
}

/**
 * The semisync source plug-in (MySQL source, `ReplSemiSyncMaster`): which places wait for an ack, how far the acks reach, and who
 * waits. Acks are cumulative, and any semisync replica's will do.
 */
export class Semisync {
  readonly #life: ServerLife;
  readonly #waiters: WaitList;
  /** Ends of flushed groups, in order, that no ack has reached: only the last event of a group asks for one. */
  #active: BinlogPlace[] = [];
  #acked: BinlogPlace | null = null;
  readonly #clients = new Set<number>();
  #isOn = true;
  #isForced = false;
  /** How often a RESET made all places meaningless. */
  #resets = 0;
  acknowledged = 0;
  unacknowledged = 0;

  constructor(life: ServerLife) {
    this.#life = life;
    this.#waiters = new WaitList(life.fibers);
  }

  /** `Rpl_semi_sync_source_status`. */
  get isOn(): boolean {
    return this.#isOn && this.#life.settings.semisyncEnabled;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  get waitingSessions(): number {
    return this.#waiters.count;
  }

  /** A group was written to the binlog up to here. */
  registerFlush(end: BinlogPlace): void {
    if (this.isOn) this.#active.push(end);
  }

  /** Whether the event that ends here asks for an ack. */
  asksForAck(end: BinlogPlace): boolean {
    if (!this.isOn) return false;
    return this.#active.some((place) => place.file === end.file && place.offset === end.offset);
  }

  /** Waits until an ack reaches the place, or nothing makes it wait any more. What never had to wait is not counted. */
  *wait(end: BinlogPlace): Steps {
    if (!this.#life.settings.semisyncEnabled) return;
    const resets = this.#resets;
    while (this.#resets === resets && this.#mustWait(end)) {
      yield* this.#waiters.wait({ isInterruptible: false });
    }
    if (this.#acked !== null && isAtOrBefore(end, this.#acked)) this.acknowledged += 1;
    else this.unacknowledged += 1;
  }

  acknowledge(session: number, place: BinlogPlace): void {
    if (!this.#clients.has(session) || !this.isOn) return;
    if (this.#acked !== null && isAtOrBefore(place, this.#acked)) return;
    this.#acked = place;
    this.#active = this.#active.filter((active) => !isAtOrBefore(active, place));
    this.#waiters.wakeAll();
  }

  addClient(session: number): void {
    this.#clients.add(session);
    // Switched off for want of replicas, it is on again when one comes and is caught up; here that is at once.
    this.#isOn = true;
  }

  removeClient(session: number): void {
    if (this.#clients.delete(session)) this.#waiters.wakeAll();
  }

  settingsChanged(): void {
    if (!this.#life.settings.semisyncEnabled) this.#active = [];
    this.#waiters.wakeAll();
  }

  /** RESET BINARY LOGS AND GTIDS: no place means anything any more, and whoever waited goes on. */
  reset(): void {
    this.#active = [];
    this.#acked = null;
    this.acknowledged = 0;
    this.unacknowledged = 0;
    this.#resets += 1;
    this.#waiters.wakeAll();
  }

  /** A polite shutdown waits for no ack. */
  release(): void {
    this.#isForced = true;
    this.#waiters.wakeAll();
  }

  #mustWait(end: BinlogPlace): boolean {
    if (!this.isOn || this.#isForced) return false;
    if (this.#acked !== null && isAtOrBefore(end, this.#acked)) return false;
    if (this.#clients.size > 0 || this.#life.settings.semisyncWaitsWithoutReplica) return true;
    this.#isOn = false;
    return false;
  }
}
