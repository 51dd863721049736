import type { DumpSenders } from './dump-senders.ts';
import { type Fiber, SimSqlError, type Steps } from './fibers.ts';
import type { SimDumpRequest } from './inputs.ts';
import { LockOwner } from './lock-table.ts';
import type { ServerLife } from './server-life.ts';
import type { ServerStatements } from './server-statements.ts';
import { Session } from './session.ts';
import { nothingDone, type SessionStatements } from './session-statements.ts';
import {
  type ServerStatement,
  type SimAnswer,
  SimError,
  type SimRow,
  type SimStatement,
} from './statements.ts';

/** Connections that a server takes; the sidecar sets `max_connections` far lower than this. */
const sessionsMax = 100_000;

/** The connections of a running server: who is there, what each does, and how each ends. */
export class Sessions {
  readonly #life: ServerLife;
  readonly #own: SessionStatements;
  readonly #server: ServerStatements;
  readonly #dumps: DumpSenders;
  readonly #shutDown: () => void;
  readonly #onQuiet: () => void;
  readonly #sessions = new Map<number, Session>();
  /** Threads of the event scheduler have numbers of their own. */
  #lastInternal = 0;

  constructor(parts: {
    readonly life: ServerLife;
    readonly own: SessionStatements;
    readonly server: ServerStatements;
    readonly dumps: DumpSenders;
    readonly shutDown: () => void;
    /** No statement runs any more. */
    readonly onQuiet: () => void;
  }) {
    this.#life = parts.life;
    this.#own = parts.own;
    this.#server = parts.server;
    this.#dumps = parts.dumps;
    this.#shutDown = parts.shutDown;
    this.#onQuiet = parts.onQuiet;
    this.#dumps.onLost((session, error) => this.#endDump(session, error));
  }

  connect(id: number, isAdmin: boolean): void {
    if (this.#life.isShuttingDown || this.#sessions.size >= sessionsMax) {
      this.#life.emit({ kind: 'closed', session: id, reason: 'refused' });
      return;
    }
    this.#life.fibers.spawn(this.#logIn(new Session(id, isAdmin)));
  }

  run(id: number, statement: SimStatement): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.isClosed || session.fiber !== null) return;
    session.fiber = this.#life.fibers.spawn(this.#answer(session, statement));
  }

  /** A scheduled event runs in a thread of the server's own, with nobody to answer to. */
  runEvent(statement: SimStatement): void {
    if (!this.#life.settings.eventScheduler || this.#life.isShuttingDown) return;
    this.#lastInternal -= 1;
    const session = new Session(this.#lastInternal, true);
    session.isClosed = true;
    this.#sessions.set(session.id, session);
    session.fiber = this.#life.fibers.spawn(this.#answer(session, statement));
  }

  dump(id: number, request: SimDumpRequest): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.isClosed || session.fiber !== null) return;
    this.#endTwin(request);
    try {
      this.#dumps.start(id, request);
    } catch (thrown) {
      if (!(thrown instanceof SimSqlError)) throw thrown;
      this.#refuseDump(session, thrown);
    }
  }

  #endTwin(request: SimDumpRequest): void {
    const twin = this.#dumps.twinOf(request);
    if (twin === null) return;
    const message =
      'A replica with the same server_uuid/server_id as this replica has connected to the source';
    this.#endDump(twin, new SimSqlError(SimError.dumpFatal, message));
  }

  #endDump(id: number, error: SimSqlError): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#dumps.stop(id);
    this.#refuseDump(session, error);
  }

  #refuseDump(session: Session, { number, message }: SimSqlError): void {
    if (!session.isClosed) {
      this.#life.emit({ kind: 'dump-refused', session: session.id, number, message });
    }
    session.isClosed = true;
    this.#end(session);
  }

  /** The client went away. A thread that waits for a lock does not see that before its statement is over. */
  disconnect(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.isClosed = true;
    if (this.#dumps.has(id)) this.#dumps.noticeLater(id, () => this.#end(session));
    else if (session.fiber === null) this.#end(session);
  }

  /** Idle connections are closed, statements that wait get an error; those that commit are waited for, and dumps let be. */
  closeAll(): void {
    for (const session of [...this.#sessions.values()]) {
      const { fiber } = session;
      if (session.isCommitting || this.#dumps.has(session.id)) continue;
      if (fiber === null) this.#kill(session.id, 'server shutdown in progress');
      else if (!this.#life.fibers.interrupt(fiber, shutdownError())) session.isQueryKilled = true;
    }
  }

  closeDumps(): void {
    for (const id of [...this.#sessions.keys()]) {
      if (this.#dumps.has(id)) this.#kill(id, 'server shutdown in progress');
    }
  }

  get isQuiet(): boolean {
    return [...this.#sessions.values()].every(({ fiber }) => fiber === null);
  }

  *#logIn(session: Session): Steps {
    const owner = new LockOwner();
    yield* this.#life.locks.acquire(owner, 'acl', 'S');
    this.#life.locks.releaseAll(owner);
    this.#sessions.set(session.id, session);
    this.#life.emit({ kind: 'connected', session: session.id });
  }

  *#answer(session: Session, statement: SimStatement): Steps {
    const answer = yield* this.#try(session, statement);
    session.fiber = null;
    session.isCommitting = false;
    session.isQueryKilled = false;
    if (session.isClosed) this.#end(session);
    else this.#life.emit({ kind: 'answer', session: session.id, answer });
    if (this.#life.isShuttingDown && this.isQuiet) this.#onQuiet();
  }

  *#try(session: Session, statement: SimStatement): Steps<SimAnswer> {
    try {
      yield* this.#life.work('execute');
      if (session.isQueryKilled) throw this.#killedBeforeItRan(session, statement);
      const answer = yield* this.#execute(session, statement);
      // Its wait for what is prepared cannot be interrupted; only its answer tells of the KILL.
      if (session.isQueryKilled && statement.kind === 'flush-binary-logs') throw interrupted();
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof SimSqlError)) throw thrown;
      if (thrown.number === SimError.deadlock) this.#own.rollback(session);
      else this.#own.endStatement(session);
      return { kind: 'error', number: thrown.number, message: thrown.message };
    }
  }

  /** A COMMIT that is killed before it is in the pipeline rolls back, and a hook of replication is blamed for it. */
  #killedBeforeItRan(session: Session, statement: SimStatement): SimSqlError {
    if (this.#life.isShuttingDown) return shutdownError();
    if (statement.kind !== 'commit' || session.transaction === null) return interrupted();
    this.#own.rollback(session);
    return new SimSqlError(
      SimError.runHook,
      "Error on observer while running replication hook 'before_commit'.",
    );
  }

  *#execute(session: Session, statement: SimStatement): Steps<SimAnswer> {
    const own = this.#own;
    const server = this.#server;
    switch (statement.kind) {
      case 'ping':
        return nothingDone;
      case 'begin':
        return yield* own.begin(session, statement.isReadOnly ?? false);
      case 'commit':
        return yield* own.commit(session);
      case 'rollback':
        own.rollback(session);
        return nothingDone;
      case 'set-isolation':
        session.isolation = statement.isolation;
        return nothingDone;
      case 'set-log-bin':
        return setLogBin(this.#life, session, statement.isOn);
      case 'read':
        return yield* own.read(session, statement);
      case 'scan':
        return yield* own.scan(session, statement.table);
      case 'write':
        return yield* own.write(session, statement.table, statement.changes);
      case 'create-table':
      case 'drop-table':
      case 'alter-table':
      case 'create-user':
      case 'drop-user':
        return yield* own.changeSchema(session, statement);
      case 'kill':
        return this.#killFor(session, statement);
      case 'processlist':
        return { kind: 'rows', rows: this.#processRows() };
      case 'shutdown':
        this.#shutDown();
        return nothingDone;
      default:
        return yield* executeOnServer(server, statement);
    }
  }

  #killFor(
    killer: Session,
    { session: id, what }: { readonly session: number; readonly what: 'query' | 'connection' },
  ): SimAnswer {
    const session = this.#sessions.get(id);
    if (session === undefined) {
      throw new SimSqlError(SimError.unknownThread, `Unknown thread id: ${id}`);
    }
    if (what === 'connection') this.#kill(id, 'killed');
    else if (session !== killer) this.#interrupt(session);
    return nothingDone;
  }

  /** The connection is closed at once; what commits, commits. */
  #kill(id: number, reason: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    if (!session.isClosed) this.#life.emit({ kind: 'closed', session: id, reason });
    session.isClosed = true;
    if (this.#dumps.has(id)) this.#dumps.noticeLater(id, () => this.#end(session));
    else if (session.fiber === null) this.#end(session);
    else this.#interrupt(session);
  }

  #interrupt(session: Session): void {
    const fiber: Fiber | null = session.fiber;
    if (fiber === null || session.isCommitting) return;
    if (!this.#life.fibers.interrupt(fiber, interrupted())) session.isQueryKilled = true;
  }

  #end(session: Session): void {
    this.#own.rollback(session);
    this.#dumps.stop(session.id);
    this.#sessions.delete(session.id);
  }

  #processRows(): readonly SimRow[] {
    return [...this.#sessions.values()].map(({ id, fiber }): SimRow => {
      if (this.#dumps.has(id)) return [String(id), 'Binlog Dump GTID'];
      return [String(id), fiber === null ? 'Sleep' : 'Query'];
    });
  }
}

function* executeOnServer(server: ServerStatements, statement: ServerStatement): Steps<SimAnswer> {
  switch (statement.kind) {
    case 'show-schema':
      return { kind: 'rows', rows: server.schemaRows() };
    case 'set-global':
      return yield* server.setGlobal(statement.settings);
    case 'flush-binary-logs':
      return yield* server.flushBinaryLogs();
    case 'reset-binary-logs':
      return yield* server.resetBinaryLogs();
    case 'gtid-executed':
      return { kind: 'value', value: server.executedText() };
    case 'wait-for-executed':
      return yield* server.waitForExecuted(statement.gtids, statement.timeoutMs);
    case 'semisync-status':
      return { kind: 'rows', rows: server.semisyncRows() };
    case 'global-settings':
      return { kind: 'rows', rows: server.settingsRows() };
    case 'binlog-status':
      return { kind: 'rows', rows: server.binlogRows() };
    case 'follow':
      return yield* server.follow();
    case 'start-replica':
      return server.startReplica();
    case 'stop-replica':
      return yield* server.stopReplica();
    case 'replica-status':
      return { kind: 'rows', rows: server.replicaRows() };
  }
}

function setLogBin(life: ServerLife, session: Session, isOn: boolean): SimAnswer {
  if (session.transaction !== null) {
    throw new SimSqlError(
      SimError.logBinInTransaction,
      'Cannot modify @@session.sql_log_bin inside a transaction',
    );
  }
  session.isLogged = isOn;
  if (!isOn) life.wasBinlogOff = true;
  return nothingDone;
}

function shutdownError(): SimSqlError {
  return new SimSqlError(SimError.shutdownInProgress, 'Server shutdown in progress');
}

function interrupted(): SimSqlError {
  return new SimSqlError(SimError.queryInterrupted, 'Query execution was interrupted');
}
