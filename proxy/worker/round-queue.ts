import type { SharedGate } from '../shared-gate.ts';
import type { Session } from './session.ts';

/** Sessions whose response waits for a round, by round: a handful of rounds at a time, whatever the number of sessions. */
export class RoundQueue {
  readonly #gate: SharedGate;
  readonly #worker: number;
  readonly #waiting = new Map<bigint, Session[]>();
  #isReleasePlanned = false;

  constructor(gate: SharedGate, worker: number) {
    this.#gate = gate;
    this.#worker = worker;
  }

  add(session: Session, round: bigint): void {
    const sessions = this.#waiting.get(round);
    if (sessions === undefined) this.#waiting.set(round, [session]);
    else sessions.push(session);
    this.#gate.announceWaiting(this.#worker);
    // The round may have been confirmed just before the main thread could see the announcement.
    if (!this.#gate.isConfirmed(round) || this.#isReleasePlanned) return;
    this.#isReleasePlanned = true;
    queueMicrotask(() => this.releaseConfirmed());
  }

  /** The gate is closed: what waits will end, and not by a round. */
  clear(): void {
    this.#waiting.clear();
  }

  releaseConfirmed(): void {
    this.#isReleasePlanned = false;
    for (const [round, sessions] of this.#waiting) {
      if (!this.#gate.isConfirmed(round)) continue;
      this.#waiting.delete(round);
      for (const session of sessions) session.confirmed();
    }
    if (this.#waiting.size > 0) this.#gate.announceWaiting(this.#worker);
  }
}
