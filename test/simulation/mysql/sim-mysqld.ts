import { assert, assertNever } from '../../../base/assert.ts';
import { binlogFileNumber } from './binlog-files.ts';
import type { SimMysqlEffect } from './effects.ts';
import type { SimMysqlInput } from './inputs.ts';
import { RunningServer } from './running-server.ts';
import { type ServerIdentity, ServerLife, WorkNumbers } from './server-life.ts';
import { SimMysqlDisk } from './sim-mysql-disk.ts';

export interface SimMysqldOptions {
  readonly serverId: number;
  /** Of the data folder that is there at the beginning. */
  readonly serverUuid: string;
  /** `replicate_same_server_id`; default true, as the sidecar configures its servers. */
  readonly replicateSameServerId?: boolean;
  /** `replica_parallel_workers`, commit order preserved; default 4. */
  readonly applierWorkers?: number;
  /** `max_binlog_size`; default 1 GiB. */
  readonly binlogBytesMax?: number;
  /** `innodb_lock_wait_timeout`; default 50 000. */
  readonly lockWaitTimeoutMs?: number;
  /** `SOURCE_CONNECT_RETRY`; default 1000. */
  readonly connectRetryMs?: number;
  /** In all events: the model has no clock. Default 1 700 000 000. */
  readonly timestampSeconds?: number;
}

export type SimMysqldState = 'stopped' | 'starting' | 'running' | 'shutting-down';

/** Inputs that a stopped process leaves waiting; more than the buffers of its connections would hold. */
const waitingInputsMax = 1_000_000;

/**
 * A mysqld of the simulation: a stated model of what MySQL 9.7 does where this project depends on it (`DESIGN.md` beside this
 * file), held to a real server by the cases in `cases/`. Pure and deterministic: `step` takes what happens and answers what the
 * server does; what takes time is `work` or a `timer`, ended by the input `done` when the caller says so. It is the same object
 * over crashes and restarts; `disk` is what survives them.
 *
 *   const mysqld = new SimMysqld({ serverId: 1, serverUuid });
 *   mysqld.step({ kind: 'start' })                          // [work recover 1]
 *   mysqld.step({ kind: 'done', id: 1 })                    // [started]
 *   mysqld.step({ kind: 'connect', session: 7 })            // [connected 7]
 *   mysqld.step({ kind: 'statement', session: 7, statement })  // [work execute 2] … [answer 7]
 */
export class SimMysqld {
  readonly #identity: ServerIdentity;
  readonly #numbers = new WorkNumbers();
  readonly #connections = new WorkNumbers();
  #disk: SimMysqlDisk;
  #life: ServerLife | null = null;
  #server: RunningServer | null = null;
  #effects: SimMysqlEffect[] = [];
  #isPaused = false;
  #waiting: SimMysqlInput[] = [];

  constructor(options: SimMysqldOptions) {
    this.#identity = {
      serverId: options.serverId,
      timestampSeconds: options.timestampSeconds ?? 1_700_000_000,
      replicateSameServerId: options.replicateSameServerId ?? true,
      applierWorkers: options.applierWorkers ?? 4,
      binlogBytesMax: options.binlogBytesMax ?? 1024 * 1024 * 1024,
      lockWaitTimeoutMs: options.lockWaitTimeoutMs ?? 50_000,
      connectRetryMs: options.connectRetryMs ?? 1000,
    };
    this.#disk = new SimMysqlDisk(options.serverUuid);
  }

  /** `stopped` also after a crash; `running` once `started` was said; paused or not. */
  get state(): SimMysqldState {
    if (this.#life === null) return 'stopped';
    if (this.#life.isShuttingDown) return 'shutting-down';
    return this.#server === null ? 'starting' : 'running';
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What would be there if the process ended now. Cut the binlog of a stopped server by `disk.truncateBinlog`. */
  get disk(): SimMysqlDisk {
    return this.#disk;
  }

  /** A new, empty data folder, as after moving the old one aside. Only while stopped. */
  rebuild(serverUuid: string): void {
    assert(this.#life === null, 'a data folder is replaced while its server is stopped');
    this.#disk = new SimMysqlDisk(serverUuid);
  }

  /** What happens, and what the server does about it, in order. */
  step(input: SimMysqlInput): readonly SimMysqlEffect[] {
    this.#effects = [];
    this.#take(input);
    return this.#effects;
  }

  #take(input: SimMysqlInput): void {
    switch (input.kind) {
      case 'kill':
        if (this.#life !== null) this.#disk.loseProcess(input.redoRecordsKept ?? 0);
        this.#exit('killed');
        return;
      case 'power-cut':
        this.#exit('killed');
        this.#disk.losePower({
          binlogBytes: input.binlogBytesKept,
          redoRecords: input.redoRecordsKept,
        });
        return;
      case 'pause':
        this.#isPaused = this.#life !== null;
        return;
      case 'resume':
        this.#resume();
        return;
      case 'start':
        this.#start();
        return;
      default:
        if (this.#life === null) return;
        if (this.#isPaused) {
          assert(
            this.#waiting.length < waitingInputsMax,
            'a paused server holds a bounded backlog',
          );
          this.#waiting.push(input);
          return;
        }
        this.#run(this.#life, input);
    }
  }

  #start(): void {
    if (this.#life !== null) return;
    const life = new ServerLife({
      identity: this.#identity,
      disk: this.#disk,
      numbers: this.#numbers,
      emit: (effect) => this.#effects.push(effect),
    });
    this.#life = life;
    life.fibers.spawn(
      RunningServer.start(life, {
        nextConnection: () => this.#connections.next(),
        onStarted: (server) => {
          this.#server = server;
        },
        onExit: (why) => this.#exit(why),
      }),
    );
    life.fibers.run();
  }

  #run(life: ServerLife, input: SimMysqlInput): void {
    if (input.kind === 'done') life.done(input.id);
    else if (this.#server !== null) deliver(this.#server, input);
    else if (input.kind === 'connect') {
      // Nobody listens yet.
      this.#effects.push({ kind: 'closed', session: input.session, reason: 'refused' });
    }
    life.fibers.run();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const input of waiting) this.#take(input);
  }

  #exit(why: 'killed' | 'shut-down' | 'cannot-recover'): void {
    if (this.#life === null) return;
    this.#life = null;
    this.#server = null;
    this.#isPaused = false;
    this.#waiting = [];
    this.#effects.push({ kind: 'exited', why });
  }
}

function deliver(server: RunningServer, input: SimMysqlInput): void {
  switch (input.kind) {
    case 'connect':
      server.sessions.connect(input.session, input.isAdmin ?? false);
      return;
    case 'statement':
      server.sessions.run(input.session, input.statement);
      return;
    case 'disconnect':
      server.sessions.disconnect(input.session);
      return;
    case 'dump':
      server.sessions.dump(input.session, input.request);
      return;
    case 'ack': {
      const file = binlogFileNumber(input.position.file);
      if (file === null) return;
      server.semisync.acknowledge(input.session, { file, offset: Number(input.position.offset) });
      return;
    }
    case 'source-connected':
      server.receiver.connected(input.connection);
      return;
    case 'source-event':
      server.receiver.receive(input.connection, input.event);
      return;
    case 'source-lost':
      server.receiver.lost(input.connection, input.error);
      return;
    case 'flush-redo':
      server.flushRedo();
      return;
    case 'event-due':
      server.sessions.runEvent(input.statement);
      return;
    case 'shutdown':
      server.shutDown();
      return;
    case 'start':
    case 'kill':
    case 'power-cut':
    case 'pause':
    case 'resume':
    case 'done':
      throw new Error(`${input.kind} is not for a running server`);
    default:
      assertNever(input);
  }
}
