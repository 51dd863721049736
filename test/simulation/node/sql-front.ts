import { fromUtf8 } from '../../../base/bytes.ts';
import { CommandCode } from '../../../mysql-bridge/protocol/constants.ts';
import { plainOk, writeOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import { PacketCollector, PacketFramer } from '../../../mysql-bridge/protocol/packet-framer.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimAnswer, SimStatement } from '../mysql/statements.ts';
import { type ByteConnections, ByteSocket } from './byte-socket.ts';
import type { MysqldHost } from './mysqld-host.ts';
import { answerPackets, type ClientStatement, capabilities, greetingPacket } from './sql-wire.ts';

const packetBytesMax = 64 * 1024 * 1024;
const deadlock = 1213;

/** What checkers are told of statements, at the server. */
export interface StatementObserver {
  /** The server was given a statement of a client. */
  received(server: string, statement: ClientStatement): void;
}

/** The client port of a mysqld while it runs: greets, lets everybody in, passes statements and answers. */
export function listenForClients(
  mysqld: MysqldHost,
  process: SimProcess,
  parts: { readonly connections: ByteConnections; readonly observer: StatementObserver },
): void {
  parts.connections.listen(process, (transport) => {
    const socket = ByteSocket.accepted(process, transport, { allowHalfOpen: true });
    new SqlFront(mysqld, socket, parts.observer).begin();
  });
}

class SqlFront {
  readonly #mysqld: MysqldHost;
  readonly #socket: ByteSocket;
  readonly #observer: StatementObserver;
  readonly #framer = new PacketFramer({ packetBytesMax });
  readonly #collector = new PacketCollector({ payloadBytesMax: packetBytesMax });
  #session = 0;
  #isLoggedIn = false;
  #inTransaction = false;
  #isClientGone = false;
  #running: SimStatement | null = null;

  constructor(mysqld: MysqldHost, socket: ByteSocket, observer: StatementObserver) {
    this.#mysqld = mysqld;
    this.#socket = socket;
    this.#observer = observer;
  }

  begin(): void {
    this.#session = this.#mysqld.openSession({
      isClient: true,
      connected: (session) => this.#socket.write(greetingPacket(session)),
      answer: (answer) => this.#answer(answer),
      closed: () => this.#closed(),
    });
    this.#socket.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    this.#socket.on('end', () => this.#clientGone());
    this.#socket.on('close', () => this.#clientGone());
  }

  /** A thread that is in a statement notices only when it has answered. */
  #clientGone(): void {
    this.#isClientGone = true;
    if (this.#running === null) this.#leave();
  }

  #leave(): void {
    this.#mysqld.closeSession(this.#session);
    this.#socket.end();
  }

  #receive(bytes: Uint8Array): void {
    for (const piece of this.#framer.push(bytes)) {
      const packet = this.#collector.add(piece);
      if (packet !== null) this.#take(packet.payload, packet.sequence);
    }
  }

  #take(payload: Uint8Array, sequence: number): void {
    if (!this.#isLoggedIn) {
      this.#isLoggedIn = true;
      this.#socket.write(encodePacket(writeOk(plainOk, capabilities), sequence + 1));
      return;
    }
    if (payload[0] === CommandCode.quit) {
      this.#leave();
      return;
    }
    // Only simulated clients of this run get here, and they send nothing else.
    const asked = JSON.parse(fromUtf8(payload.subarray(1))) as ClientStatement;
    this.#running = asked.statement;
    this.#observer.received(this.#mysqld.name, asked);
    this.#mysqld.ask(this.#session, asked.statement);
  }

  #answer(answer: SimAnswer): void {
    const statement = this.#running;
    this.#running = null;
    if (statement !== null) this.#followTransaction(statement, answer);
    this.#socket.write(answerPackets(answer, { sequence: 1, inTransaction: this.#inTransaction }));
    if (this.#isClientGone) this.#leave();
  }

  /** The state flag of the session, as every OK carries it. */
  #followTransaction(statement: SimStatement, answer: SimAnswer): void {
    if (answer.kind === 'error') {
      if (answer.number === deadlock) this.#inTransaction = false;
      return;
    }
    switch (statement.kind) {
      case 'begin':
        this.#inTransaction = true;
        return;
      case 'commit':
      case 'rollback':
      case 'create-table':
      case 'drop-table':
      case 'alter-table':
      case 'create-user':
      case 'drop-user':
        this.#inTransaction = false;
        return;
      default:
    }
  }

  /** KILL, or the end of the server: nothing more is said. */
  #closed(): void {
    this.#running = null;
    this.#socket.destroySoon();
  }
}
