import { connect, type Socket } from 'node:net';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import { OperationalError } from '../base/errors.ts';
import { MySqlConnectionError, serverError } from './errors.ts';
import { logIn } from './log-in.ts';
import type { InternalAccount } from './mysql-server.ts';
import { type Command, writeCommand } from './protocol/commands.ts';
import { CommandCode } from './protocol/constants.ts';
import { isErr, readErr } from './protocol/err-packet.ts';
import { MalformedPacketError } from './protocol/errors.ts';
import { type Packet, PacketCollector, PacketFramer } from './protocol/packet-framer.ts';
import type { PacketPiece } from './protocol/packet-piece.ts';
import { PacketWriter } from './protocol/packet-writer.ts';
import { type QueryAnswer, QueryAnswerReader } from './protocol/result-set.ts';

/** Where a server listens. On a unix socket the password may travel in clear, as nobody else can read it there. */
export type MySqlEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface MySqlConnectionOptions {
  readonly endpoint: MySqlEndpoint;
  readonly account: InternalAccount;
  /** Connecting and logging in together; past it the connection is given up. */
  readonly loginTimeoutMs: number;
  readonly clock: Clock;
}

/** Who receives what the server sends on its own, once a command made the connection a stream. */
export interface StreamListener {
  /** All pieces of one read from the socket. An OperationalError thrown here ends the connection with it. */
  onPieces(pieces: readonly PacketPiece[]): void;
  /** Called once, last. Null: this side closed the connection. */
  onEnd(error: Error | null): void;
}

/** Answers to administrative statements are small; anything larger is a fault of the server or of the statement. */
const answerBytesMax = 1024 * 1024;
const answerRowsMax = 1000;

/**
 * One connection to a MySQL server, for what an ordinary client library has no words for: the replication commands.
 * Commands run one after the other; the caller awaits each before the next.
 */
export class MySqlConnection implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #framer = new PacketFramer();
  readonly #collector = new PacketCollector({ payloadBytesMax: answerBytesMax });
  readonly #packets: Packet[] = [];
  readonly #closed = deferred();
  #capabilities = 0;
  /** A command runs, or the log-in: only then has the server anything to say. */
  #isAnswerDue = true;
  #waiting: { resolve(packet: Packet): void; reject(reason: Error): void } | null = null;
  #stream: StreamListener | null = null;
  #end: Error | null = null;
  #isClosing = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(`the connection failed: ${error.message}`, error));
    socket.on('close', () => {
      this.#lose('the server closed the connection');
      this.#closed.resolve();
    });
  }

  /** Rejects with MySqlConnectionError: MYSQL_CONNECTION_LOST, MYSQL_LOGIN_TIMEOUT, MYSQL_ACCESS_DENIED, … */
  static async open(options: MySqlConnectionOptions): Promise<MySqlConnection> {
    const { endpoint, loginTimeoutMs } = options;
    const socket =
      endpoint.kind === 'unix'
        ? connect({ path: endpoint.path })
        : connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
    const connection = new MySqlConnection(socket);
    const timer = new AbortController();
    const timeout = options.clock.delay(loginTimeoutMs, { signal: timer.signal }).then(
      () => connection.#fail(loginTimeout(loginTimeoutMs)),
      () => {},
    );
    try {
      await connection.#logIn(options);
      return connection;
    } catch (thrown) {
      connection.#lose('the log-in failed');
      throw thrown;
    } finally {
      timer.abort();
      await timeout;
    }
  }

  /** Runs one statement. Rejects with MYSQL_SERVER_ERROR when the server refuses it. */
  async query(sql: string): Promise<Exclude<QueryAnswer, { readonly kind: 'err' }>> {
    this.#begin({ kind: 'query', sql });
    const answer = await this.#answer(() => this.#queryAnswer());
    if (answer.kind === 'err') throw serverError(answer.err, sql);
    return answer;
  }

  /** Runs a command that is answered by one packet, and returns that. Rejects as `query` does. */
  async command(command: Command): Promise<Uint8Array> {
    this.#begin(command);
    const { payload } = await this.#answer(() => this.#next());
    if (isErr(payload)) throw serverError(readErr(payload), command.kind);
    return payload;
  }

  /** Sends a command whose answer has no end; from here on the listener gets everything, and no command may follow. */
  startStream(command: Command, listener: StreamListener): void {
    this.#begin(command);
    this.#stream = listener;
  }

  /** One packet of a stream's client side; its numbers start at 0 each time. False: the socket's buffer is full. */
  send(payload: Uint8Array): boolean {
    return this.#write(payload, 0);
  }

  /** Stops reading from the socket; the server is held back once the kernel's buffers are full. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends the connection politely if it can. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosing && this.#end === null) {
      this.#isClosing = true;
      if (this.#stream === null) this.#write(Uint8Array.of(CommandCode.quit), 0);
      this.#lose('this side closed the connection');
    }
    await this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #logIn({ account, endpoint }: MySqlConnectionOptions): Promise<void> {
    this.#capabilities = await this.#answer(() =>
      logIn({
        account,
        isPrivate: endpoint.kind === 'unix',
        next: () => this.#next(),
        send: (payload, sequence) => this.#write(payload, sequence),
      }),
    );
  }

  #begin(command: Command): void {
    // Behind an answer, in the same read, or it would have ended the connection when it came.
    const unasked = this.#isAnswerDue ? undefined : this.#packets.shift();
    if (unasked !== undefined) this.#fail(spokeUnasked(unasked.payload));
    if (this.#end !== null) throw this.#end;
    assert(this.#stream === null && !this.#isAnswerDue, 'one command runs at a time');
    this.#isAnswerDue = true;
    this.#write(writeCommand(command, this.#capabilities), 0);
  }

  /** Behind an answer that cannot be read nobody knows where the next one begins, so it ends the connection. */
  async #answer<Answer>(read: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await read();
      this.#isAnswerDue = false;
      return answer;
    } catch (thrown) {
      if (thrown instanceof OperationalError) this.#fail(thrown);
      throw thrown;
    }
  }

  async #queryAnswer(): Promise<QueryAnswer> {
    const reader = new QueryAnswerReader({
      capabilities: this.#capabilities,
      rowsMax: answerRowsMax,
    });
    for (;;) {
      const answer = reader.add((await this.#next()).payload);
      if (answer !== null) return answer;
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#end !== null) return;
    try {
      const pieces = this.#framer.push(chunk);
      if (this.#stream !== null) this.#stream.onPieces(pieces);
      else this.#collect(pieces);
    } catch (thrown) {
      if (!(thrown instanceof OperationalError)) throw thrown;
      this.#fail(thrown);
    }
  }

  #collect(pieces: readonly PacketPiece[]): void {
    for (const piece of pieces) {
      const packet = this.#collector.add(piece);
      if (packet === null) continue;
      if (!this.#isAnswerDue) throw spokeUnasked(packet.payload);
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting === null) this.#packets.push(packet);
      else waiting.resolve(packet);
    }
  }

  async #next(): Promise<Packet> {
    const packet = this.#packets.shift();
    if (packet !== undefined) return packet;
    if (this.#end !== null) throw this.#end;
    assert(this.#waiting === null, 'one packet is waited for at a time');
    const { promise, resolve, reject } = deferred<Packet>();
    this.#waiting = { resolve, reject };
    return await promise;
  }

  #write(payload: Uint8Array, sequence: number): boolean {
    if (this.#socket.destroyed) return false;
    const parts = new PacketWriter(sequence).packet(payload);
    return parts.map((part) => this.#socket.write(part)).every(Boolean);
  }

  #lose(message: string, cause?: Error): void {
    this.#fail(new MySqlConnectionError('MYSQL_CONNECTION_LOST', message, { cause }));
  }

  /** The one end of a connection: everybody who waits is told, once. */
  #fail(error: Error): void {
    if (this.#end !== null) return;
    this.#end = error;
    if (this.#isClosing) this.#socket.destroySoon();
    else this.#socket.destroy();
    this.#waiting?.reject(error);
    this.#waiting = null;
    const stream = this.#stream;
    this.#stream = null;
    stream?.onEnd(this.#isClosing ? null : error);
  }
}

/** A server that ends a connection says why, as when it is stopped or the client was idle for too long. */
function spokeUnasked(payload: Uint8Array): OperationalError {
  if (!isErr(payload)) return new MalformedPacketError('a packet that nobody asked for');
  return serverError(readErr(payload), 'nothing that was asked', 'MYSQL_CONNECTION_LOST');
}

function loginTimeout(ms: number): MySqlConnectionError {
  return new MySqlConnectionError('MYSQL_LOGIN_TIMEOUT', `no log-in within ${ms} ms`);
}
