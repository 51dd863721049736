import { assert } from '../base/assert.ts';
import { type PortName, portNames } from './options.ts';

/**
 * The memory that the main thread and the workers share, and all that is done with it.
 *
 * ```text
 * byte 0    lease: until when responses may leave without a round, in ns of CLOCK_MONOTONIC
 * byte 64   64-bit numbers of rounds, in the order of `Round`
 * byte 128  32-bit cells, in the order of `Cell`
 * then      one cell per worker: responses wait in it for a round
 * ```
 *
 * All accesses are atomic and sequentially consistent, which is what the reasoning below stands on. Rounds are counted in 64 bits: with each
 * commit a round, 32 of them would wrap while one long statement runs.
 */
const Round = { requested: 0, started: 1, confirmed: 2 } as const;

const Cell = {
  /** 0: closed. Else a number that no earlier opening had. */
  gateEpoch: 0,
  /** 0: no read-only session may be on the local server. Else as above. */
  readOnlyEpoch: 1,
  isHolding: 2,
  /** The main thread has a wake-up on its way that it has not seen. */
  isWakePosted: 3,
  refusedSessions: 4,
  heldResponses: 5,
  /** One for each port. */
  sessions: 6,
  firstWorker: 6 + portNames.length,
} as const;

const roundsOffset = 64;
const cellsOffset = 128;

/** The two permissions that sessions on the local server hang on. */
export type EpochKind = 'gate' | 'read-only';

export class SharedGate {
  readonly buffer: SharedArrayBuffer;
  readonly #lease: BigInt64Array;
  readonly #rounds: BigInt64Array;
  readonly #cells: Int32Array;
  /** Main thread only: epochs are never used twice. */
  #epochsUsed = 0;
  /** Main thread only: the newest round that was started for a request. Commits start others. */
  #readRound = 0n;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#lease = new BigInt64Array(buffer, 0, 1);
    this.#rounds = new BigInt64Array(buffer, roundsOffset, Object.keys(Round).length);
    this.#cells = new Int32Array(buffer, cellsOffset);
  }

  static allocate(workers: number): SharedGate {
    return new SharedGate(new SharedArrayBuffer(cellsOffset + 4 * (Cell.firstWorker + workers)));
  }

  // Permissions.

  /** 0 when closed. */
  epoch(kind: EpochKind): number {
    return Atomics.load(this.#cells, cellOf(kind));
  }

  /** Main thread only. */
  open(kind: EpochKind): void {
    assert(this.epoch(kind) === 0, `${kind} is closed before it is opened`);
    this.#epochsUsed += 1;
    Atomics.store(this.#cells, cellOf(kind), this.#epochsUsed);
  }

  /** Main thread only. From here on no worker finds its epoch any more. */
  close(kind: EpochKind): void {
    Atomics.store(this.#cells, cellOf(kind), 0);
    if (kind === 'gate') Atomics.store(this.#lease, 0, 0n);
  }

  get isHolding(): boolean {
    return Atomics.load(this.#cells, Cell.isHolding) === 1;
  }

  setHolding(isHolding: boolean): void {
    Atomics.store(this.#cells, Cell.isHolding, isHolding ? 1 : 0);
  }

  // Leadership.

  setLease(untilNs: bigint): void {
    Atomics.store(this.#lease, 0, untilNs);
  }

  isLeaseValid(nowNs: bigint): boolean {
    return nowNs < Atomics.load(this.#lease, 0);
  }

  /**
   * Worker: the round that a command which has arrived by now needs, not asked for. A round counts as started before it begins, so
   * one numbered above all that have started begins after this call.
   */
  get nextRound(): bigint {
    return Atomics.load(this.#rounds, Round.started) + 1n;
  }

  /** Worker: `nextRound`, asked for. `mustWake`: the main thread is to be told. */
  requestRound(): { readonly round: bigint; readonly mustWake: boolean } {
    const rounds = this.#rounds;
    const round = this.nextRound;
    let requested = Atomics.load(rounds, Round.requested);
    while (requested < round) {
      const found = Atomics.compareExchange(rounds, Round.requested, requested, round);
      if (found === requested) break;
      requested = found;
    }
    return { round, mustWake: Atomics.exchange(this.#cells, Cell.isWakePosted, 1) === 0 };
  }

  /** Worker: that round, or a later one, has confirmed leadership. */
  isConfirmed(round: bigint): boolean {
    return Atomics.load(this.#rounds, Round.confirmed) >= round;
  }

  /** Main thread: requests made from now on post a new wake-up; those made before are seen now. */
  takeWake(): void {
    Atomics.store(this.#cells, Cell.isWakePosted, 0);
  }

  /** Main thread: the number of a round that somebody waits for and that begins now; null when nobody does. */
  startRound(): bigint | null {
    // Held against rounds for requests alone: those of commits may take long, or come to nothing.
    if (this.#readRound >= Atomics.load(this.#rounds, Round.requested)) return null;
    this.#readRound = this.beginRound();
    return this.#readRound;
  }

  /** Main thread: the number of a round that begins behind this call, whoever waits for it. */
  beginRound(): bigint {
    const round = this.nextRound;
    Atomics.store(this.#rounds, Round.started, round);
    return round;
  }

  /** Main thread: what was confirmed by a round holds for all earlier ones too. */
  confirmRound(round: bigint): void {
    const confirmed = Atomics.load(this.#rounds, Round.confirmed);
    if (confirmed < round) Atomics.store(this.#rounds, Round.confirmed, round);
  }

  /** Main thread: not every round that was started for a request is confirmed. */
  get hasUnconfirmedRounds(): boolean {
    return Atomics.load(this.#rounds, Round.confirmed) < this.#readRound;
  }

  /** Worker: after this it must look at its rounds once more, or it could miss a confirmation that has just come. */
  announceWaiting(worker: number): void {
    Atomics.store(this.#cells, Cell.firstWorker + worker, 1);
  }

  /** Main thread: true, once, when the worker has announced that it waits. */
  takeWaiting(worker: number): boolean {
    return Atomics.exchange(this.#cells, Cell.firstWorker + worker, 0) === 1;
  }

  // Counts.

  /** Worker: false when the port has as many sessions as it may have. */
  admitSession(port: PortName, sessionsMax: number): boolean {
    const cell = Cell.sessions + portNames.indexOf(port);
    if (Atomics.add(this.#cells, cell, 1) < sessionsMax) return true;
    Atomics.sub(this.#cells, cell, 1);
    return false;
  }

  leaveSession(port: PortName): void {
    Atomics.sub(this.#cells, Cell.sessions + portNames.indexOf(port), 1);
  }

  sessions(port: PortName): number {
    return Atomics.load(this.#cells, Cell.sessions + portNames.indexOf(port));
  }

  countRefused(): void {
    Atomics.add(this.#cells, Cell.refusedSessions, 1);
  }

  get refusedSessions(): number {
    return Atomics.load(this.#cells, Cell.refusedSessions);
  }

  countHeld(change: 1 | -1): void {
    Atomics.add(this.#cells, Cell.heldResponses, change);
  }

  get heldResponses(): number {
    return Atomics.load(this.#cells, Cell.heldResponses);
  }
}

function cellOf(kind: EpochKind): number {
  return kind === 'gate' ? Cell.gateEpoch : Cell.readOnlyEpoch;
}
