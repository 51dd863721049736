import { after } from '../../../base/clock.ts';
import { type Deferred, deferred } from '../../../base/deferred.ts';
import { codeOf } from '../../../base/errors.ts';
import { MySqlServerError } from '../../../mysql-bridge/server/errors.ts';
import type { Connections, SimSocket } from '../kernel/connections.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimAnswer, SimRow, SimStatement } from '../mysql/statements.ts';
import type { MysqldHost } from './mysqld-host.ts';

/** Sidecar to server, on a reserved connection. */
export interface ChannelRequest {
  readonly id: number;
  readonly statement: SimStatement;
}
export type ChannelReply =
  | { readonly kind: 'greeting'; readonly threadId: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: SimAnswer };

export type AdminConnections = Connections<ChannelRequest, ChannelReply>;

/** The reserved port of a server. */
export function listenForAdmin(
  mysqld: MysqldHost,
  process: SimProcess,
  connections: AdminConnections,
): void {
  connections.listen(process, (socket) => {
    let asked = 0;
    const session = mysqld.openSession({
      connected: (threadId) => socket.send({ kind: 'greeting', threadId }),
      answer: (answer) => socket.send({ kind: 'answer', id: asked, answer }),
      closed: () => socket.close(),
    });
    socket.onMessage = ({ id, statement }) => {
      asked = id;
      mysqld.ask(session, statement);
    };
    socket.onClose = () => mysqld.closeSession(session);
  });
}

interface Opened {
  readonly socket: SimSocket<ChannelReply, ChannelRequest>;
  readonly threadId: number;
}

/**
 * As `SqlConnection` of the product, which speaks through a client library and so cannot run here: the same rules about one
 * deadline over connecting, queueing and the answer, about dropping a connection whose answer is overdue, and about opening a
 * new one at the next statement.
 */
export class SqlChannel {
  readonly #process: SimProcess;
  readonly #connections: AdminConnections;
  readonly #server: string;
  #opened: Opened | null = null;
  #opening: Promise<Opened> | null = null;
  #lastInLine: Promise<unknown> = Promise.resolve();
  #awaited: { readonly id: number; readonly answer: Deferred<SimAnswer> } | null = null;
  #dropped: Deferred<never> = unobserved();
  #isClosed = false;
  #idsUsed = 0;

  constructor(options: {
    readonly process: SimProcess;
    readonly connections: AdminConnections;
    readonly server: string;
  }) {
    this.#process = options.process;
    this.#connections = options.connections;
    this.#server = options.server;
  }

  /** The server's number of this connection, as KILL takes it; 0 before it is open. */
  get threadId(): number {
    return this.#opened?.threadId ?? 0;
  }

  async open(options: { readonly timeoutMs: number }): Promise<void> {
    await this.#withDeadline(options.timeoutMs, 'connect', () => this.#ensureOpen());
  }

  async rows(
    statement: SimStatement,
    options: { readonly timeoutMs: number },
  ): Promise<readonly SimRow[]> {
    const answer = await this.query(statement, options);
    return answer.kind === 'rows' ? answer.rows : [];
  }

  /** One statement at a time. Rejects as `SqlConnection.query`. */
  query(
    statement: SimStatement,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<SimAnswer> {
    return this.#withDeadline(timeoutMs, statement.kind, async () => {
      const before = this.#lastInLine;
      const answer = before.then(() => this.#ask(statement));
      this.#lastInLine = answer.catch(() => undefined);
      return await answer;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#drop('the connection was closed');
  }

  async #ask(statement: SimStatement): Promise<SimAnswer> {
    const { socket } = await this.#ensureOpen();
    this.#idsUsed += 1;
    const id = this.#idsUsed;
    const answer = deferred<SimAnswer>();
    this.#awaited = { id, answer };
    socket.send({ id, statement });
    const answered = await Promise.race([answer.promise, this.#dropped.promise]);
    if (answered.kind === 'error') {
      throw new MySqlServerError(
        'MYSQL_STATEMENT_FAILED',
        `${statement.kind}: ${answered.message}`,
        { serverErrorNumber: answered.number },
      );
    }
    return answered;
  }

  #ensureOpen(): Promise<Opened> {
    if (this.#isClosed) return Promise.reject(notRunning('the connection was closed'));
    if (this.#opened !== null) return Promise.resolve(this.#opened);
    if (this.#opening !== null) return this.#opening;
    const greeted = deferred<Opened>();
    greeted.promise.catch(() => undefined);
    const opening = greeted.promise;
    this.#opening = opening;
    this.#connections.connect(this.#process, this.#server, (socket) => {
      if (socket === null) this.#refuse(opening, greeted);
      else this.#attach(socket, opening, greeted);
    });
    return opening;
  }

  #refuse(opening: Promise<Opened>, greeted: Deferred<Opened>): void {
    if (this.#opening === opening) this.#opening = null;
    greeted.reject(notRunning(`no connection to ${this.#server}`));
  }

  #attach(
    socket: SimSocket<ChannelReply, ChannelRequest>,
    opening: Promise<Opened>,
    greeted: Deferred<Opened>,
  ): void {
    if (this.#opening !== opening) {
      socket.close();
      greeted.reject(notRunning('the connection was dropped'));
      return;
    }
    socket.onMessage = (reply) => {
      if (reply.kind === 'answer') {
        if (this.#awaited?.id === reply.id) this.#awaited.answer.resolve(reply.answer);
        return;
      }
      if (this.#opening !== opening) {
        socket.close();
        // Who waited was answered long ago, but the next in line waits for them.
        greeted.reject(notRunning('the connection was dropped'));
        return;
      }
      this.#opening = null;
      this.#opened = { socket, threadId: reply.threadId };
      greeted.resolve(this.#opened);
    };
    socket.onClose = (reason) => {
      greeted.reject(notRunning(reason));
      if (this.#opening === opening) this.#opening = null;
      if (this.#opened?.socket === socket) this.#drop('the connection was lost');
    };
  }

  async #withDeadline<Result>(
    timeoutMs: number,
    statement: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const late = unobserved();
    const stop = after(this.#process.clock, timeoutMs, () => {
      const message = `${statement}: no answer within ${timeoutMs} ms`;
      late.reject(new MySqlServerError('MYSQL_STATEMENT_TIMEOUT', message));
    });
    try {
      return await Promise.race([work(), late.promise, this.#dropped.promise]);
    } catch (error) {
      if (codeOf(error) === 'MYSQL_STATEMENT_TIMEOUT') this.#drop('an earlier answer is overdue');
      throw error;
    } finally {
      stop();
    }
  }

  #drop(reason: string): void {
    this.#opened?.socket.close();
    this.#opened = null;
    this.#opening = null;
    this.#awaited = null;
    const dropped = this.#dropped;
    this.#dropped = unobserved();
    dropped.reject(notRunning(reason));
  }
}

/** A promise that may reject with nobody waiting for it. */
function unobserved(): Deferred<never> {
  const later = deferred<never>();
  later.promise.catch(() => undefined);
  return later;
}

function notRunning(message: string): MySqlServerError {
  return new MySqlServerError('MYSQL_NOT_RUNNING', message, { retryable: true });
}
