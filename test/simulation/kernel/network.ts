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

/** Two processes, and what their names say of the way between them. There is one object for each pair. */
export interface Link {
  /** Both are on one host. */
  readonly isLocal: boolean;
  /** The key of cuts and clogs: of hosts, or of processes within a host. */
  readonly places: string;
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
  /** By sender, then by receiver. */
  readonly #links = new Map<string, Map<string, Link>>();

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

  /** For whoever sends much between the same two: what is asked of a link needs no look at the names. */
  link(from: string, to: string): Link {
    let ofSender = this.#links.get(from);
    if (ofSender === undefined) {
      ofSender = new Map();
      this.#links.set(from, ofSender);
    }
    let link = ofSender.get(to);
    if (link === undefined) {
      link = linkOf(from, to);
      ofSender.set(to, link);
    }
    return link;
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.isLinkBlocked(this.link(from, to));
  }

  isLinkBlocked({ places }: Link): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(places);
  }

  /** Called whenever a cut ends. Returns the unsubscribe. */
  onLifted(callback: () => void): () => void {
    this.#onLifted.add(callback);
    return () => this.#onLifted.delete(callback);
  }

  /** How long one message takes that leaves now. */
  drawDelayUs(from: string, to: string): number {
    return this.drawDelayUsOn(this.link(from, to));
  }

  drawDelayUsOn({ isLocal, places }: Link): number {
    const { delayUsMin, delayUsMax, slowPermille, slowUsMax } = this.#conditions;
    const usual = this.#random.below(delayUsMin, delayUsMax + 1);
    const slow = happens(this.#random, slowPermille) ? this.#random.below(0, slowUsMax + 1) : 0;
    const delayUs = isLocal ? Math.ceil(usual / 10) : usual + slow;
    if (this.#cloggedUntilUs.size === 0) return delayUs;
    const cloggedUntilUs = this.#cloggedUntilUs.get(places) ?? 0;
    return Math.max(0, cloggedUntilUs - this.simulation.nowUs) + delayUs;
  }

  /** Whether this message is lost on its way. Within a host nothing is. */
  drawsLossOn({ isLocal }: Link): boolean {
    return !isLocal && happens(this.#random, this.#conditions.lossPermille);
  }

  drawsDuplicateOn({ isLocal }: Link): boolean {
    return !isLocal && happens(this.#random, this.#conditions.duplicatePermille);
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

function linkOf(from: string, to: string): Link {
  const fromHost = hostOf(from);
  const toHost = hostOf(to);
  const isLocal = fromHost === toHost;
  return { isLocal, places: isLocal ? `${from}>${to}` : `${fromHost}>${toHost}` };
}
