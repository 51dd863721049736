import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from '../../../admin/node-status.ts';

/** Who served when; `atMs` is `performance.now()` of the runner. */
export interface LeaderSample {
  readonly atMs: number;
  /** The node whose gate is open, of the highest term; null when none says so. */
  readonly leader: string | null;
  /** Its term; where nobody serves, the highest that any node knows. */
  readonly term: number;
}

export type AskStatus = (node: string) => Promise<NodeStatus | null>;

const everyMs = 200;
/** Leaders change some times a minute at most; more than this and only the first are kept. */
const samplesMax = 100_000;

/** Asks all nodes a few times a second and keeps what changed. */
export class LeaderWatch implements AsyncDisposable {
  readonly #nodes: readonly string[];
  readonly #ask: AskStatus;
  readonly #samples: LeaderSample[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(nodes: readonly string[], ask: AskStatus) {
    this.#nodes = nodes;
    this.#ask = ask;
    this.#running = this.#run();
  }

  get samples(): readonly LeaderSample[] {
    return this.#samples;
  }

  get latest(): LeaderSample | null {
    return this.#samples.at(-1) ?? null;
  }

  async stop(): Promise<readonly LeaderSample[]> {
    this.#stop.abort();
    await this.#running;
    return this.#samples;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const answers = await Promise.all(
        this.#nodes.map((node) => this.#ask(node).catch(() => null)),
      );
      const sample = sampleOf(answers, performance.now());
      const last = this.latest;
      const isNew = last === null || last.leader !== sample.leader || last.term !== sample.term;
      if (isNew && this.#samples.length < samplesMax) this.#samples.push(sample);
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

export function sampleOf(answers: readonly (NodeStatus | null)[], atMs: number): LeaderSample {
  const reached = answers.filter((answer) => answer !== null);
  const serving = reached
    .filter(({ proxy }) => proxy.isGateOpen)
    .sort((one, other) => other.raft.term - one.raft.term);
  return {
    atMs,
    leader: serving[0]?.node ?? null,
    term:
      serving[0]?.raft.term ??
      reached.reduce((highest, { raft }) => Math.max(highest, raft.term), 0),
  };
}
