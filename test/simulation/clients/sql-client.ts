import { isErr, readErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import { PacketCollector, PacketFramer } from '../../../mysql-bridge/protocol/packet-framer.ts';
import { QueryAnswerReader } from '../../../mysql-bridge/protocol/result-set.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimStatement } from '../mysql/statements.ts';
import { type ByteConnections, ByteSocket } from '../node/byte-socket.ts';
import { capabilities, handshakeResponse, queryPacket } from '../node/sql-wire.ts';

/** What a client learns of a statement. */
export type ClientAnswer =
  | { readonly kind: 'ok'; readonly affected: number; readonly gtid: string | null }
  | { readonly kind: 'rows'; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'error'; readonly number: number; readonly message: string }
  /** The connection broke, or no answer came in time: nobody knows. */
  | { readonly kind: 'lost' };

const packetBytesMax = 64 * 1024 * 1024;
const rowsMax = 100_000;

/** Numbers for statements, unique in a run. */
export class StatementNumbers {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}

/** A client library without a retry: one connection, one statement at a time. After `lost` it is of no use any more. */
export class SqlClient {
  readonly #process: SimProcess;
  readonly #numbers: StatementNumbers;
  readonly #socket: ByteSocket;
  readonly #framer = new PacketFramer({ packetBytesMax });
  readonly #collector = new PacketCollector({ payloadBytesMax: packetBytesMax });
  #reader: QueryAnswerReader | null = null;
  #state: 'greeting' | 'login' | 'ready' | 'lost' = 'greeting';
  #waiting: ((answer: ClientAnswer) => void) | null = null;

  private constructor(options: {
    readonly process: SimProcess;
    readonly numbers: StatementNumbers;
    readonly socket: ByteSocket;
  }) {
    this.#process = options.process;
    this.#numbers = options.numbers;
    this.#socket = options.socket;
    this.#socket.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    this.#socket.on('close', () => this.#lose());
  }

  /** Null when nobody let us in by then. */
  static async open(options: {
    readonly process: SimProcess;
    readonly numbers: StatementNumbers;
    readonly connections: ByteConnections;
    readonly to: string;
    readonly timeoutMs: number;
  }): Promise<SqlClient | null> {
    const socket = ByteSocket.connecting(options.process, options.connections, options.to);
    const client = new SqlClient({ ...options, socket });
    const answer = await client.#answered(options.timeoutMs);
    if (answer.kind === 'ok') return client;
    client.close();
    return null;
  }

  get isUsable(): boolean {
    return this.#state === 'ready';
  }

  /** `lost` when no answer came in time; never rejects. */
  async query(statement: SimStatement, timeoutMs: number): Promise<ClientAnswer> {
    if (this.#state !== 'ready') return { kind: 'lost' };
    this.#reader = new QueryAnswerReader({ capabilities, rowsMax });
    this.#socket.write(queryPacket({ op: this.#numbers.next(), statement }));
    return await this.#answered(timeoutMs);
  }

  close(): void {
    this.#socket.destroy();
    this.#lose();
  }

  #answered(timeoutMs: number): Promise<ClientAnswer> {
    return new Promise((resolve) => {
      const stop = this.#process.clock.every(timeoutMs, () => this.close());
      this.#waiting = (answer) => {
        stop();
        this.#waiting = null;
        resolve(answer);
      };
      if (this.#state === 'lost') this.#waiting({ kind: 'lost' });
    });
  }

  #receive(bytes: Uint8Array): void {
    for (const piece of this.#framer.push(bytes)) {
      const packet = this.#collector.add(piece);
      if (packet !== null) this.#take(packet.payload);
    }
  }

  #take(payload: Uint8Array): void {
    if (this.#state === 'lost') return;
    if (this.#state === 'ready') {
      this.#takeAnswer(payload);
      return;
    }
    if (isErr(payload)) {
      this.#fail(payload);
      return;
    }
    if (this.#state === 'greeting') {
      this.#state = 'login';
      this.#socket.write(handshakeResponse);
      return;
    }
    this.#state = 'ready';
    this.#waiting?.({ kind: 'ok', affected: 0, gtid: null });
  }

  #takeAnswer(payload: Uint8Array): void {
    if (this.#waiting === null || this.#reader === null) {
      // A farewell between two statements: the next one finds the connection lost.
      this.close();
      return;
    }
    const answer = this.#reader.add(payload);
    if (answer === null) return;
    switch (answer.kind) {
      case 'ok': {
        const { affectedRows, message } = answer.ok;
        const gtid = message === '' ? null : message;
        this.#waiting({ kind: 'ok', affected: Number(affectedRows), gtid });
        return;
      }
      case 'err':
        this.#fail(payload);
        return;
      case 'rows':
        this.#waiting({ kind: 'rows', rows: answer.rows.map((row) => row.map((v) => v ?? '')) });
        return;
    }
  }

  #fail(payload: Uint8Array): void {
    const { number, message, sqlState } = readErr(payload);
    const waiting = this.#waiting;
    // Class 08: the connection is over.
    if (sqlState.startsWith('08') || message.startsWith('PROXY_')) {
      this.#waiting = null;
      this.close();
    }
    waiting?.({ kind: 'error', number, message });
  }

  #lose(): void {
    if (this.#state === 'lost') return;
    this.#state = 'lost';
    this.#waiting?.({ kind: 'lost' });
  }
}
