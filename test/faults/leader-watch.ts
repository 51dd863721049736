import { setTimeout as delay } from 'node:timers/promises';
import { statuses } from './nemesis/serving-leader.ts';
import type { FaultSite } from './site.ts';

/** From when on a node was seen to serve writes, or that none was. */
export interface LeaderSighting {
  /** `performance.now()` of the runner. */
  readonly atMs: number;
  /** Highest term that any node told. */
  readonly term: number;
  readonly leader: string | null;
}

const pollMs = 250;
/** A day of elections every second. */
const sightingsMax = 100_000;

/** Asks all nodes again and again who leads, and keeps every change. */
export class LeaderWatch implements AsyncDisposable {
  readonly sightings: LeaderSighting[] = [];
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  constructor(site: FaultSite) {
    this.#watching = this.#watch(site);
  }

  get latest(): LeaderSighting | null {
    return this.sightings.at(-1) ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(site: FaultSite): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.sightings.length < sightingsMax) {
      const answers = await statuses(site);
      const term = Math.max(0, ...answers.map(({ raft }) => raft.term));
      const serving = answers.find(({ raft, proxy }) => raft.term === term && proxy.isGateOpen);
      const leader = serving?.node ?? null;
      const { latest } = this;
      if (latest === null || latest.leader !== leader || latest.term !== term) {
        this.sightings.push({ atMs: performance.now(), term, leader });
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
