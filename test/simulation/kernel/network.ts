import type { Random } from '../../../base/random.ts';
import { happens } from './random-streams.ts';
import { hostOf, type Processes, type SimProcess } from './sim-process.ts';
import type { Simulation } from './simulation.ts';

/** How bad the network is all the time, besides cuts. Permille: of a thousand messages. */
export interface NetworkConditions {
  /** Between hosts; within one host it is a tenth. */
  readonly delayUsMin: number;
  readonly delayUsMax: number;
  /** So many are late by up to `slowUsMax` more, and so overtaken by others. */
  readonly slowPermille: number;
  readonly slowUsMax: number;
  /** Datagrams are lost; on a connection a loss costs a retransmission. */
  readonly lossPermille: number;
  /** Datagrams come twice, the second time at a moment of its own. */
  readonly duplicatePermille: number;
}

export const perfectNetwork: NetworkConditions = {
  delayUsMin: 100,
  delayUsMax: 500,
  slowPermille: 0,
  slowUsMax: 0,
  lossPermille: 0,
  duplicatePermille: 0,
};

/** A cut that somebody made; it lasts until it is lifted. */
export interface Cut {
  lift(): void;
}

/** One direction between two places: hosts, or processes where the link lies within a host. */
export interface Direction {
  readonly from: string;
  readonly to: string;
}

/**
 * Who reaches whom, and how well. It carries nothing itself: datagrams (`datagrams.ts`) and connections
 * (`connections.ts`) of all protocols ask it, so a cut holds for all of them.
 */
export class Network {
  readonly simulation: Simulation;
  readonly processes: Processes;
  readonly #random: Random;
  #conditions: NetworkConditions;
  /** `a>b`: how many cuts block this direction. */
  readonly #blocked = new Map<string, number>();
  /** `a>b`: nothing arrives before this moment. */
  readonly #cloggedUntilUs = new Map<string, number>();
  readonly #onLifted = new Set<() => void>();

  constructor(options: {
    readonly simulation: Simulation;
    readonly processes: Processes;
    readonly conditions?: NetworkConditions;
  }) {
    this.simulation = options.simulation;
    this.processes = options.processes;
    this.#conditions = options.conditions ?? perfectNetwork;
    this.#random = options.simulation.random('network');
  }

  get conditions(): NetworkConditions {
    return this.#conditions;
  }

  setConditions(conditions: NetworkConditions): void {
    this.#conditions = conditions;
  }

  /**
   * Blocks these directions until the cut is lifted. Between hosts, name the hosts: every process on them is concerned.
   * Within a host, name the two processes (a sidecar cut from its own mysqld).
   */
  cut(directions: readonly Direction[]): Cut {
    const keys = directions.map(({ from, to }) => `${from}>${to}`);
    for (const key of keys) this.#blocked.set(key, (this.#blocked.get(key) ?? 0) + 1);
    let isLifted = false;
    return {
      lift: () => {
        if (isLifted) return;
        isLifted = true;
        for (const key of keys) this.#unblock(key);
        this.#notifyLifted();
      },
    };
  }

  /** Lifts every cut and unclogs every link. */
  heal(): void {
    this.#blocked.clear();
    this.#cloggedUntilUs.clear();
    this.#notifyLifted();
  }

  /** Holds back, without losing it, what goes this way until `untilUs`. */
  clog({ from, to }: Direction, untilUs: number): void {
    this.#cloggedUntilUs.set(`${from}>${to}`, untilUs);
  }

  isBlocked(from: string, to: string): boolean {
    if (this.#blocked.size === 0) return false;
    return this.#blocked.has(placesOf(from, to));
  }

  /** Called whenever a cut ends. Returns the unsubscribe. */
  onLifted(callback: () => void): () => void {
    this.#onLifted.add(callback);
    return () => this.#onLifted.delete(callback);
  }

  /** How long one message takes that leaves now. */
  drawDelayUs(from: string, to: string): number {
    const { delayUsMin, delayUsMax, slowPermille, slowUsMax } = this.#conditions;
    const isLocal = hostOf(from) === hostOf(to);
    const usual = this.#random.below(delayUsMin, delayUsMax + 1);
    const slow = happens(this.#random, slowPermille) ? this.#random.below(0, slowUsMax + 1) : 0;
    const delayUs = isLocal ? Math.ceil(usual / 10) : usual + slow;
    const cloggedUntilUs = this.#cloggedUntilUs.get(placesOf(from, to)) ?? 0;
    const waitUs = Math.max(0, cloggedUntilUs - this.simulation.nowUs);
    return waitUs + delayUs;
  }

  /** Whether this message is lost on its way. Within a host nothing is. */
  drawsLoss(from: string, to: string): boolean {
    return hostOf(from) !== hostOf(to) && happens(this.#random, this.#conditions.lossPermille);
  }

  drawsDuplicate(from: string, to: string): boolean {
    return hostOf(from) !== hostOf(to) && happens(this.#random, this.#conditions.duplicatePermille);
  }

  findProcess(name: string): SimProcess | null {
    return this.processes.find(name);
  }

  #unblock(key: string): void {
    const count = (this.#blocked.get(key) ?? 0) - 1;
    if (count > 0) this.#blocked.set(key, count);
    else this.#blocked.delete(key);
  }

  #notifyLifted(): void {
    for (const callback of [...this.#onLifted]) callback();
  }
}

function placesOf(from: string, to: string): string {
  const fromHost = hostOf(from);
  const toHost = hostOf(to);
  return fromHost === toHost ? `${from}>${to}` : `${fromHost}>${toHost}`;
}
