import type { Random } from '../../../base/random.ts';
import type { HistoryValue, Operation, Outcome } from '../../../history/history.ts';

/** A database that keeps its promise, and the clients that use it. */
export interface StoreOptions {
  readonly random: Random;
  readonly isolation: 'strict-serializable' | 'snapshot-isolation';
  readonly transactionCount: number;
  readonly clientCount: number;
  /** Keys in use at a time; one with `appendsPerKey` appends makes room for a new one, as in Jepsen's workload. */
  readonly keyCount: number;
  readonly appendsPerKey: number;
  readonly stepsMax: number;
  /** Of a hundred transactions: abort without effect; never tell how they ended, and take effect late or never. */
  readonly failPercent: number;
  readonly infoPercent: number;
}

type Step = readonly [f: string, key: number, value: HistoryValue];

interface Running {
  readonly process: number;
  readonly steps: readonly Step[];
  readonly callAt: number;
  readonly fate: Outcome;
  /** By key: how long its list was when the snapshot was taken; null before. */
  snapshot: Map<number, number> | null;
  result: readonly Step[] | null;
  hasFailed: boolean;
}

/** Runs the clients one small step at a time, whose turn it is being luck, and returns what they saw, by call. */
export function runStore(options: StoreOptions): Operation[] {
  return new Store(options).run();
}

class Store {
  readonly #options: StoreOptions;
  readonly #random: Random;
  readonly #lists = new Map<number, number[]>();
  readonly #keys: number[];
  readonly #appended = new Map<number, number>();
  readonly #running: (Running | null)[];
  /** Told as `info`, and yet under way. */
  readonly #ghosts: Running[] = [];
  readonly #ended: { running: Running; outcome: Outcome; endAt: number }[] = [];
  #nextKey: number;
  #nextProcess = 0;
  #begunCount = 0;
  #now = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#keys = Array.from({ length: options.keyCount }, (_, key) => key);
    this.#nextKey = options.keyCount;
    this.#running = Array.from({ length: options.clientCount }, () => null);
  }

  run(): Operation[] {
    const { transactionCount } = this.#options;
    while (this.#ended.length < transactionCount) {
      if (this.#ghosts.length > 0 && this.#random.below(0, 20) === 0) this.#advanceGhost();
      const client = this.#random.below(0, this.#running.length);
      const running = this.#running[client] ?? null;
      if (running !== null) this.#advance(client, running);
      else if (this.#begunCount < transactionCount) this.#running[client] = this.#begin();
    }
    return this.#operations();
  }

  #begin(): Running {
    this.#begunCount += 1;
    const luck = this.#random.below(0, 100);
    const { failPercent, infoPercent, stepsMax } = this.#options;
    const fate = luck < failPercent ? 'fail' : luck < failPercent + infoPercent ? 'info' : 'ok';
    const steps = Array.from({ length: this.#random.below(1, stepsMax + 1) }, () => this.#step());
    this.#nextProcess += 1;
    return {
      process: this.#nextProcess,
      steps,
      callAt: this.#tick(),
      fate,
      snapshot: null,
      result: null,
      hasFailed: false,
    };
  }

  #step(): Step {
    const place = this.#random.below(0, this.#keys.length);
    const key = this.#keys[place] ?? 0;
    if (this.#random.below(0, 2) === 0) return ['r', key, null];
    const count = (this.#appended.get(key) ?? 0) + 1;
    this.#appended.set(key, count);
    if (count >= this.#options.appendsPerKey) {
      this.#keys[place] = this.#nextKey;
      this.#nextKey += 1;
    }
    return ['append', key, count];
  }

  #advance(client: number, running: Running): void {
    if (running.fate === 'fail') {
      this.#end(client, running, 'fail');
    } else if (running.fate === 'info' && this.#random.below(0, 3) === 0) {
      if (running.result === null && this.#random.below(0, 2) === 0) this.#ghosts.push(running);
      this.#end(client, running, 'info');
    } else if (running.result === null && !running.hasFailed) {
      this.#execute(running);
    } else if (running.hasFailed) {
      this.#end(client, running, running.fate === 'info' ? 'info' : 'fail');
    } else {
      this.#end(client, running, running.fate);
    }
  }

  #advanceGhost(): void {
    const place = this.#random.below(0, this.#ghosts.length);
    const ghost = this.#ghosts[place];
    if (ghost === undefined) return;
    this.#execute(ghost);
    if (ghost.result !== null || ghost.hasFailed) this.#ghosts.splice(place, 1);
  }

  /** One step towards the commit: under snapshot isolation others may come in between snapshot and commit. */
  #execute(running: Running): void {
    const isTaken = running.snapshot !== null;
    running.snapshot ??= new Map(
      running.steps.map(([, key]) => [key, this.#lists.get(key)?.length ?? 0]),
    );
    if (this.#options.isolation === 'snapshot-isolation' && !isTaken) return;
    this.#commit(running, running.snapshot);
  }

  #commit(running: Running, snapshot: ReadonlyMap<number, number>): void {
    const isOverwritten = running.steps.some(
      ([f, key]) => f === 'append' && (this.#lists.get(key)?.length ?? 0) !== snapshot.get(key),
    );
    if (isOverwritten) {
      running.hasFailed = true;
      return;
    }
    const views = new Map<number, number[]>();
    running.result = running.steps.map(([f, key, value]): Step => {
      const view = views.get(key) ?? (this.#lists.get(key) ?? []).slice(0, snapshot.get(key));
      views.set(key, view);
      if (f === 'append') view.push(Number(value));
      return f === 'append' ? [f, key, value] : [f, key, view.length === 0 ? null : view.slice()];
    });
    for (const [f, key, value] of running.steps) {
      if (f !== 'append') continue;
      const list = this.#lists.get(key) ?? [];
      this.#lists.set(key, list);
      list.push(Number(value));
    }
  }

  #end(client: number, running: Running, outcome: Outcome): void {
    this.#ended.push({ running, outcome, endAt: this.#tick() });
    this.#running[client] = null;
  }

  #tick(): number {
    this.#now += 1;
    return this.#now;
  }

  #operations(): Operation[] {
    return this.#ended
      .sort((one, other) => one.running.callAt - other.running.callAt)
      .map(
        ({ running, outcome, endAt }, index): Operation => ({
          index,
          process: running.process,
          f: 'txn',
          input: running.steps,
          output: outcome === 'ok' ? running.result : null,
          outcome,
          callAt: running.callAt,
          endAt: outcome === 'info' ? Number.POSITIVE_INFINITY : endAt,
          callNanos: null,
          endNanos: null,
          callLine: running.callAt,
          endLine: outcome === 'info' ? null : endAt,
        }),
      );
  }
}
