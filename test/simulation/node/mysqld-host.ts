import { assertNever } from '../../../base/assert.ts';
import type { Random } from '../../../base/random.ts';
import type { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import { happens } from '../kernel/random-streams.ts';
import type { SimHost } from '../kernel/sim-host.ts';
import type { Processes, SimProcess } from '../kernel/sim-process.ts';
import type { Simulation } from '../kernel/simulation.ts';
import type { SimMysqlEffect, SimWork } from '../mysql/effects.ts';
import type { SimMysqlInput } from '../mysql/inputs.ts';
import { SimMysqld } from '../mysql/sim-mysqld.ts';
import type { SimAnswer, SimStatement } from '../mysql/statements.ts';
import { CondemnedMark } from './condemned-mark.ts';

/** What one connection of a server is told. */
export interface ServerSessionEvents {
  /** It came in by the port for applications. */
  readonly isClient?: boolean;
  /** With the connection id. May come before `openSession` returns. */
  connected(session: number): void;
  answer(answer: SimAnswer): void;
  closed(reason: string): void;
  events?(pieces: readonly PacketPiece[]): void;
  dumpRefused?(number: number, message: string): void;
}

/** How the receiver of a server reaches its source. */
export interface SourceLink {
  connect(request: {
    readonly connection: number;
    readonly exclude: GtidSet;
    readonly process: SimProcess;
    readonly step: (input: SimMysqlInput) => void;
  }): void;
  close(connection: number): void;
}

/** What checkers are told of a server, at the moment it happens. */
export interface ServerObserver {
  /** The engine made a transaction visible. */
  committed(
    host: MysqldHost,
    effect: Extract<SimMysqlEffect, { readonly kind: 'committed' }>,
  ): void;
  started(host: MysqldHost): void;
  /** Its applier met what it cannot apply. */
  applierFailed(host: MysqldHost, error: string): void;
}

/** Microseconds that work takes, `[least, most)`. */
export type WorkCosts = Readonly<Record<SimWork, readonly [number, number]>>;

export const usualCosts: WorkCosts = {
  recover: [150_000, 700_000],
  execute: [40, 150],
  'binlog-flush': [20, 80],
  'binlog-sync': [80, 400],
  'engine-commit': [20, 100],
  apply: [50, 250],
  'shut-down': [50_000, 600_000],
};

export interface MysqldHostOptions {
  readonly simulation: Simulation;
  readonly processes: Processes;
  readonly host: SimHost;
  readonly serverId: number;
  readonly binlogBytesMax: number;
  readonly applierWorkers: number;
  readonly source: SourceLink;
  readonly observer: ServerObserver;
}

/** A deadlock that nobody sees, such as over two servers, ends by itself while the clients of a run still wait. */
const lockWaitTimeoutMs = 2_000;
const redoFlushUs = 1_000_000;

/** `auto.cnf` of a new data folder. */
function drawUuid(random: Random): string {
  const word = (): string => random.below(0, 0x1_0000).toString(16).padStart(4, '0');
  return `${word()}${word()}-${word()}-${word()}-${word()}-${word()}${word()}${word()}`;
}

/**
 * A machine's mysqld: its data folder, which outlives every process, and the process while there is one. The server itself is the
 * pure machine of `../mysql`; here is what surrounds it: how long its work takes, who is connected, and how it dies.
 */
export class MysqldHost {
  readonly name: string;
  readonly host: SimHost;
  readonly #options: MysqldHostOptions;
  readonly #random: Random;
  readonly #sessions = new Map<number, ServerSessionEvents>();
  readonly #exitListeners = new Set<(how: string) => void>();
  readonly #startListeners = new Set<(process: SimProcess) => void>();
  #program: SimMysqld | null = null;
  #mark: CondemnedMark;
  #process: SimProcess | null = null;
  #isReady = false;
  #sessionsEver = 0;
  #isEndedByAdmin = false;
  /** How much slower than usual the disk is now. */
  diskFactor = 1;
  #diskHangsUntilUs = 0;

  constructor(options: MysqldHostOptions) {
    this.#options = options;
    this.host = options.host;
    this.name = `${options.host.name}/mysqld`;
    this.#random = options.simulation.random(`mysqld ${options.host.name}`);
    this.#mark = this.#newMark();
  }

  /** In the data folder: another one has another. */
  get mark(): CondemnedMark {
    return this.#mark;
  }

  /** Null without a data folder. */
  get program(): SimMysqld | null {
    return this.#program;
  }

  /** What the server writes from now on is on the disk no earlier; what it writes already is not held up. */
  hangDiskUntil(untilUs: number): void {
    this.#diskHangsUntilUs = untilUs;
  }

  /** For how long a write that begins now would hang. */
  get diskHangsForUs(): number {
    return Math.max(0, this.#diskHangsUntilUs - this.#options.simulation.nowUs);
  }

  get process(): SimProcess | null {
    return this.#process;
  }

  get isReady(): boolean {
    return this.#isReady && this.#process !== null;
  }

  /** `mysqld --initialize` into a new folder; what was there is gone. */
  initialise(): void {
    const { serverId, binlogBytesMax, applierWorkers } = this.#options;
    const serverUuid = drawUuid(this.#random);
    this.#program = new SimMysqld({
      serverUuid,
      serverId,
      binlogBytesMax,
      applierWorkers,
      lockWaitTimeoutMs,
    });
    this.#mark = this.#newMark();
  }

  /** The data folder is lost (HAZARDS N10). */
  wipe(): void {
    this.#process?.kill('its data folder is gone');
    this.#program = null;
    this.#mark = this.#newMark();
  }

  /** Executes mysqld; `onReady` listeners hear when it accepts connections. */
  execute(): SimProcess {
    const { processes, host, simulation } = this.#options;
    const process = processes.start(host, 'mysqld');
    this.#process = process;
    this.#isReady = false;
    this.#isEndedByAdmin = false;
    process.onDeath(() => this.#died(process));
    this.#step({ kind: 'start' });
    const flush = (): void => {
      if (process.isDead) return;
      process.enter(() => this.#step({ kind: 'flush-redo' }));
      simulation.after(redoFlushUs, flush);
    };
    simulation.after(redoFlushUs, flush);
    return process;
  }

  /** The process was told to end by somebody who is not its sidecar. */
  get isEndedByAdmin(): boolean {
    return this.#isEndedByAdmin;
  }

  /** SIGTERM by an administrator, past the sidecar. */
  endByAdmin(): void {
    this.#isEndedByAdmin = true;
    this.shutDown();
  }

  /** SIGTERM. */
  shutDown(): void {
    this.#process?.enter(() => this.#step({ kind: 'shutdown' }));
  }

  /** The machine loses power: of what was not synced, some is gone. */
  powerCut(): void {
    this.#mark.powerCut();
    const program = this.#program;
    if (program === null) return;
    const { newest } = program.disk.binlog;
    const binlogBytes = newest === null ? 0 : newest.length - newest.syncedLength;
    const redoRecords = program.disk.engine.unsyncedRecords;
    const input: SimMysqlInput = {
      kind: 'power-cut',
      binlogBytesKept: this.#random.below(0, binlogBytes + 1),
      redoRecordsKept: this.#random.below(0, redoRecords + 1),
    };
    // Before the process dies, or its death would count as a SIGKILL that loses nothing.
    program.step(input);
    this.#process?.kill('power cut');
  }

  onExit(listener: (how: string) => void): () => void {
    this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  /** Called when the server accepts connections, in its process. */
  onReady(listener: (process: SimProcess) => void): void {
    this.#startListeners.add(listener);
  }

  #newMark(): CondemnedMark {
    const { simulation, host } = this.#options;
    return new CondemnedMark(simulation.random(`power and mark ${host.name}`));
  }

  // Connections.

  /** A new connection; its number is the connection id of the server. */
  openSession(events: ServerSessionEvents): number {
    this.#sessionsEver += 1;
    const session = this.#sessionsEver;
    this.#sessions.set(session, events);
    // Accounts of applications have no administrative rights; all others here do.
    this.#step({ kind: 'connect', session, isAdmin: events.isClient !== true });
    return session;
  }

  /** A session of an application, for somebody who kills sessions; null when there is none. */
  pickClientSession(random: Random): number | null {
    const clients = [...this.#sessions].filter(([, events]) => events.isClient === true);
    const place = clients.length === 0 ? 0 : random.below(0, clients.length);
    return clients[place]?.[0] ?? null;
  }

  closeSession(session: number): void {
    if (!this.#sessions.delete(session)) return;
    this.#step({ kind: 'disconnect', session });
  }

  ask(session: number, statement: SimStatement): void {
    this.#step({ kind: 'statement', session, statement });
  }

  input(input: SimMysqlInput): void {
    this.#step(input);
  }

  #step(input: SimMysqlInput): void {
    if (this.#process === null || this.#program === null) return;
    for (const effect of this.#program.step(input)) this.#carryOut(effect);
  }

  #carryOut(effect: SimMysqlEffect): void {
    const process = this.#process;
    if (process === null) return;
    switch (effect.kind) {
      case 'work':
        this.#later(process, this.#costUs(effect.work, effect.bytes), effect.id);
        return;
      case 'timer':
        this.#later(process, this.host.durationUs(effect.ms * 1000), effect.id);
        return;
      case 'started':
        this.#isReady = true;
        process.log('ready');
        this.#options.observer.started(this);
        for (const listener of this.#startListeners) listener(process);
        return;
      case 'exited':
        process.kill(`exit: ${effect.why}`);
        return;
      case 'connected':
        this.#sessions.get(effect.session)?.connected(effect.session);
        return;
      case 'answer':
        this.#sessions.get(effect.session)?.answer(effect.answer);
        return;
      case 'closed':
        this.#closed(effect.session, effect.reason);
        return;
      case 'events':
        this.#sessions.get(effect.session)?.events?.(effect.pieces);
        return;
      case 'dump-refused':
        this.#sessions.get(effect.session)?.dumpRefused?.(effect.number, effect.message);
        this.#sessions.delete(effect.session);
        return;
      case 'source-connect':
        this.#options.source.connect({
          connection: effect.connection,
          exclude: effect.exclude,
          process,
          step: (input) => this.#step(input),
        });
        return;
      case 'source-close':
        this.#options.source.close(effect.connection);
        return;
      case 'committed':
        this.#options.observer.committed(this, effect);
        return;
      case 'applier-failed':
        this.#options.observer.applierFailed(this, effect.error);
        return;
      default:
        assertNever(effect);
    }
  }

  #later(process: SimProcess, delayUs: number, id: number): void {
    this.#options.simulation.after(delayUs, () =>
      process.enter(() => {
        if (process === this.#process) this.#step({ kind: 'done', id });
      }),
    );
  }

  #costUs(work: SimWork, bytes: number): number {
    const [least, most] = usualCosts[work];
    const isDisk = work === 'binlog-flush' || work === 'binlog-sync' || work === 'recover';
    const factor = isDisk ? this.diskFactor : 1;
    const usualUs = (this.#random.below(least, most) + bytes / 200) * factor;
    return isDisk ? usualUs + this.diskHangsForUs : usualUs;
  }

  #closed(session: number, reason: string): void {
    const events = this.#sessions.get(session);
    this.#sessions.delete(session);
    events?.closed(reason);
  }

  #died(process: SimProcess): void {
    if (process !== this.#process) return;
    // Everything that is connected learns of it through its own socket.
    this.#sessions.clear();
    // InnoDB's log writer runs on its own: what committed last may or may not have left the process.
    if (happens(this.#random, 500)) this.#program?.step({ kind: 'flush-redo' });
    this.#program?.step({ kind: 'kill' });
    this.#process = null;
    this.#isReady = false;
    for (const listener of [...this.#exitListeners]) listener('SIGKILL');
  }
}
