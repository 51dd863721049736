import { App, type Fate, ProcessNames } from '../clients/app.ts';
import { Recorder } from '../clients/recorder.ts';
import { StatementNumbers } from '../clients/sql-client.ts';
import {
  accountBalance,
  accounts,
  bankOperation,
  bankRead,
  forbiddenWrite,
  largeWrite,
  listOperation,
  registerOperation,
  registerRead,
  schemaChange,
  setAdd,
  setRead,
  tables,
  Values,
} from '../clients/workloads.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimStatement } from '../mysql/statements.ts';
import type { ByteConnections } from './byte-socket.ts';
import type { SimCluster } from './sim-cluster.ts';

/** One history per workload: each is judged by a model of its own. */
export interface Histories {
  readonly registers: Recorder;
  readonly lists: Recorder;
  readonly bank: Recorder;
  readonly set: Recorder;
  /** Reads of the read-only port: never newer than the truth, and never wrong. */
  readonly staleBank: Recorder;
  readonly staleSet: Recorder;
}

/** What an application was told. */
export interface AppObserver {
  /** A statement committed under this GTID, and its client knows. */
  acknowledged(client: string, gtid: string): void;
  sawSet(reader: string, connection: number, keys: readonly string[]): void;
  /** A server that the read-only port leads to has taken a write. */
  wroteReadOnly(client: string, came: 'taken' | 'committed'): void;
  ended(fate: Fate): void;
}

const forbiddenPauseMsMax = 2_000;

type Operate = (app: App) => Promise<Fate>;

interface AppKind {
  readonly name: string;
  readonly count: number;
  readonly isReadOnly: boolean;
  /** Times the usual pause between operations. */
  readonly pace: number;
  readonly prologue?: readonly SimStatement[];
  readonly operate: Operate;
}

/** The applications of a run. */
export class ClusterApps {
  readonly histories: Histories;
  readonly #cluster: SimCluster;
  readonly #process: SimProcess;
  readonly #observer: AppObserver;
  readonly #thinkMs: number;
  readonly #largeBytes: number;
  readonly #numbers = new StatementNumbers();
  readonly #names = new ProcessNames();
  readonly #values = new Values();
  readonly #apps: App[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly cluster: SimCluster;
    readonly observer: AppObserver;
    readonly thinkMs: number;
    readonly largeBytes: number;
  }) {
    this.#cluster = options.cluster;
    this.#observer = options.observer;
    this.#thinkMs = options.thinkMs;
    this.#largeBytes = options.largeBytes;
    this.#process = options.cluster.startClients();
    const recorder = (): Recorder => new Recorder(() => options.cluster.simulation.nowUs);
    this.histories = {
      registers: recorder(),
      lists: recorder(),
      bank: recorder(),
      set: recorder(),
      staleBank: recorder(),
      staleSet: recorder(),
    };
  }

  /** Makes the tables, then runs all applications until `stop`. */
  start(): void {
    this.#running = this.#setUp().then(() =>
      Promise.all(this.#kinds().flatMap((kind) => this.#runAll(kind))),
    );
  }

  /** Settles when every operation under way has ended. */
  async stop(): Promise<void> {
    for (const app of this.#apps) app.stop();
    await this.#running;
  }

  /**
   * A last look at everything on fresh connections; settles when all of it was answered. An error is no answer: a write that began on a
   * disk that hung ends as late as it would have, and its leader may still step down over it.
   */
  async readAll(to: string, options: { readonly isReadOnly: boolean }): Promise<void> {
    const app = this.#app(`last ${to}`, options.isReadOnly, { nodes: () => [to] });
    const { histories } = this;
    const operations: readonly Operate[] = options.isReadOnly
      ? [
          (each) => this.#setRead(each, histories.staleSet),
          (each) => bankRead(each, histories.staleBank),
        ]
      : [(each) => this.#setRead(each, histories.set), (each) => bankRead(each, histories.bank)];
    let left = operations.length;
    await app.run(async (each) => {
      const fate = (await operations[operations.length - left]?.(each)) ?? 'fail';
      if (fate === 'ok') left -= 1;
      if (left === 0) each.stop();
      return fate;
    });
  }

  #kinds(): readonly AppKind[] {
    const { histories } = this;
    const values = this.#values;
    const serializable: SimStatement = { kind: 'set-isolation', isolation: 'serializable' };
    return [
      {
        name: 'register',
        count: 3,
        isReadOnly: false,
        pace: 1,
        operate: (app) => registerOperation(app, histories.registers, values),
      },
      // Readers that ask often see a leader that does not know yet that it is none; those that ask seldom are the ones whose
      // question waits in the socket of a process that is stopped.
      {
        name: 'glance',
        count: 2,
        isReadOnly: false,
        pace: 0.5,
        operate: (app) => registerRead(app, histories.registers),
      },
      {
        name: 'watch',
        count: 3,
        isReadOnly: false,
        pace: 6,
        operate: (app) => registerRead(app, histories.registers),
      },
      {
        name: 'list',
        count: 2,
        isReadOnly: false,
        pace: 1,
        prologue: [serializable],
        operate: (app) => listOperation(app, histories.lists, values),
      },
      {
        name: 'bank',
        count: 2,
        isReadOnly: false,
        pace: 1.5,
        operate: (app) => bankOperation(app, histories.bank),
      },
      {
        name: 'set',
        count: 1,
        isReadOnly: false,
        pace: 1,
        operate: (app) =>
          app.random.below(0, 4) === 0
            ? this.#setRead(app, histories.set)
            : setAdd(app, histories.set, values),
      },
      {
        name: 'large',
        count: 1,
        isReadOnly: false,
        pace: 6,
        operate: (app) => largeWrite(app, values, this.#largeBytes),
      },
      {
        name: 'schema',
        count: 1,
        isReadOnly: false,
        pace: 6,
        operate: (app) => schemaChange(app, values),
      },
      {
        name: 'forbidden',
        count: 1,
        isReadOnly: true,
        pace: 4,
        operate: async (app) => {
          const came = await forbiddenWrite(app, app.random.below(1, forbiddenPauseMsMax));
          if (came !== 'refused') this.#observer.wroteReadOnly(app.name, came);
          return came === 'refused' ? 'fail' : 'ok';
        },
      },
      {
        name: 'stale',
        count: 2,
        isReadOnly: true,
        pace: 1.5,
        operate: (app) =>
          app.random.below(0, 2) === 0
            ? bankRead(app, histories.staleBank)
            : this.#setRead(app, histories.staleSet),
      },
    ];
  }

  async #setRead(app: App, history: Recorder): Promise<Fate> {
    const { fate, keys } = await setRead(app, history);
    if (fate === 'ok') this.#observer.sawSet(app.name, app.connectionNumber, keys);
    return fate;
  }

  #runAll(kind: AppKind): Promise<void>[] {
    return Array.from({ length: kind.count }, (_, place) => {
      const app = this.#app(`${kind.name}${place + 1}`, kind.isReadOnly, {
        pace: kind.pace,
        prologue: kind.prologue ?? [],
      });
      return app.run(async (each) => {
        const fate = await kind.operate(each);
        this.#observer.ended(fate);
        return fate;
      });
    });
  }

  #app(
    name: string,
    isReadOnly: boolean,
    options: {
      readonly pace?: number;
      readonly nodes?: () => readonly string[];
      readonly prologue?: readonly SimStatement[];
    } = {},
  ): App {
    const { ports } = this.#cluster.wires.proxy;
    const connections: ByteConnections = isReadOnly ? ports.readOnly : ports.readWrite;
    const app = new App({
      process: this.#process,
      name,
      random: this.#cluster.simulation.random(`app ${name}`),
      numbers: this.#numbers,
      names: this.#names,
      connections,
      nodes: options.nodes ?? (() => this.#cluster.proxyIds),
      thinkMs: Math.ceil(this.#thinkMs * (options.pace ?? 0.1)),
      prologue: options.prologue ?? [],
      onAcknowledged: (gtid) => this.#observer.acknowledged(name, gtid),
    });
    this.#apps.push(app);
    return app;
  }

  /** DDL has no transaction around it, so what an earlier try has made is fine. */
  async #setUp(): Promise<void> {
    const statements: SimStatement[] = Object.values(tables).map((table) => ({
      kind: 'create-table',
      table,
    }));
    statements.push({
      kind: 'write',
      table: tables.bank,
      changes: accounts.map((key) => ({ kind: 'insert', key, value: String(accountBalance) })),
    });
    const app = this.#app('setup', false);
    let done = 0;
    await app.run(async (each) => {
      const statement = statements[done];
      if (statement === undefined) {
        each.stop();
        return 'ok';
      }
      const answer = await each.query(statement);
      const isThere = answer.kind === 'error' && [1050, 1062].includes(answer.number);
      if (answer.kind === 'ok' || isThere) done += 1;
      return answer.kind === 'lost' ? 'info' : 'ok';
    });
  }
}
