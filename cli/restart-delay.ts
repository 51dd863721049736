const delayMsMin = 200;
const delayMsMax = 10_000;
/** A process that ran this long died of something new. */
const healthyRunMs = 30_000;

/** How long to wait before a process that died is started again: twice as long after each quick death, little after a healthy run. */
export class RestartDelay {
  #nextMs = delayMsMin;

  /** The wait after a run of `runMs`. */
  after(runMs: number): number {
    if (runMs >= healthyRunMs) this.#nextMs = delayMsMin;
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(delayMsMax, delayMs * 2);
    return delayMs;
  }
}
