/** Rounds sent and not yet confirmed that are remembered; one more than that is not needed to stay safe. */
const roundsMax = 1024;

/**
 * How long the lease of a confirmed round lasts, in milliseconds. Whoever echoed the round refuses its vote for at least
 * `electionTicksMin` ticks after it heard of it. The first of these may come at once (-1), and the ticker may put the next up to
 * half a tick closer than its interval (-1, rounded up). `driftBound` covers clocks of different rate (Raft thesis §6.4.1).
 */
export function leaseDurationMs(options: {
  readonly electionTicksMin: number;
  readonly tickMs: number;
  readonly driftBound: number;
}): number {
  const ticks = Math.max(0, options.electionTicksMin - 2);
  return ticks * options.tickMs * (1 - options.driftBound);
}

/**
 * The leader's lease (Raft thesis §6.4.1): counted from the moment the oldest message of a round was given to the transport, once
 * a majority has echoed that round. Knows neither role nor term: the node voids it whenever either may have changed.
 */
export class LeaderLease {
  readonly #durationMs: number;
  /** Ascending by round: what was sent when. */
  #sent: { readonly round: number; readonly atMs: number }[] = [];
  #untilMs = 0;

  constructor({ durationMs }: { readonly durationMs: number }) {
    this.#durationMs = durationMs;
  }

  /** Monotonic milliseconds; 0 when there is no lease. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** A message of `round` is about to be sent. Only the first of a round counts. */
  sending(round: number, nowMs: number): void {
    const newest = this.#sent.at(-1);
    if (newest !== undefined && newest.round >= round) return;
    // Not remembering a round only shortens the lease: the one before it was sent earlier.
    if (this.#sent.length < roundsMax) this.#sent.push({ round, atMs: nowMs });
  }

  /** A majority echoed `round`, hence every round before it. */
  confirmed(round: number): void {
    const behind = this.#sent.findIndex((sent) => sent.round > round);
    const count = behind === -1 ? this.#sent.length : behind;
    const newest = this.#sent[count - 1];
    if (newest === undefined) return;
    this.#untilMs = Math.max(this.#untilMs, newest.atMs + this.#durationMs);
    // The newest confirmed one stays: a later round that was not remembered counts from it.
    this.#sent.splice(0, count - 1);
  }

  /** The term or the role changed: rounds count anew. */
  reset(): void {
    this.#sent = [];
    this.#untilMs = 0;
  }
}
