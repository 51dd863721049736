import { createServer, type Socket } from 'node:net';
import { deferred } from '../../base/deferred.ts';
import { Capability, ServerStatus } from '../../mysql-bridge/protocol/constants.ts';
import { writeErr } from '../../mysql-bridge/protocol/err-packet.ts';
import { writeGreeting } from '../../mysql-bridge/protocol/handshake.ts';
import { plainOk, writeOk } from '../../mysql-bridge/protocol/ok-packet.ts';
import {
  type Packet,
  PacketCollector,
  PacketFramer,
} from '../../mysql-bridge/protocol/packet-framer.ts';
import { encodePacket } from '../../mysql-bridge/protocol/packet-writer.ts';

export const serverCapabilities: number =
  Capability.protocol41 |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.pluginAuthLengthEncoded |
  Capability.deprecateEof;
/** 1 … 20 */
export const serverNonce: Uint8Array = Uint8Array.from({ length: 20 }, (_, index) => index + 1);
export const okPayload: Uint8Array = writeOk(plainOk, serverCapabilities);

export function greetingPayload(capabilities: number = serverCapabilities): Uint8Array {
  return writeGreeting({
    serverVersion: '9.7.4',
    connectionId: 5,
    nonce: serverNonce,
    capabilities,
    characterSet: 45,
    status: ServerStatus.autocommit,
    authPlugin: 'caching_sha2_password',
  });
}

export function errPayload(number: number): Uint8Array {
  return writeErr({ number, sqlState: 'HY000', message: 'as the test says' });
}

/** The server's end of one connection, as a script drives it. */
export class Peer {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #packets: Packet[] = [];
  #wake = deferred();

  constructor(socket: Socket) {
    this.socket = socket;
    const framer = new PacketFramer();
    const collector = new PacketCollector({ payloadBytesMax: 1024 * 1024 });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const piece of framer.push(chunk)) {
        const packet = collector.add(piece);
        if (packet !== null) this.#packets.push(packet);
      }
      this.#wake.resolve();
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** The client's next packet. */
  async next(): Promise<Packet> {
    for (;;) {
      const packet = this.#packets.shift();
      if (packet !== undefined) return packet;
      this.#wake = deferred();
      await this.#wake.promise;
    }
  }

  send(payload: Uint8Array, sequence: number): void {
    this.socket.write(encodePacket(payload, sequence));
  }

  /** Lets the client in with the fast proof, and returns that. */
  async letIn(): Promise<Packet> {
    this.send(greetingPayload(), 0);
    const response = await this.next();
    this.send(Uint8Array.of(1, 3), 2);
    this.send(okPayload, 3);
    return response;
  }
}

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** Settles when the script is at its end; rejects as it does. */
  readonly played: Promise<void>;
}

/** A server for one connection that says what the script says; a script that waits is left behind at the end of the test. */
export async function startScriptedServer(
  script: (peer: Peer) => Promise<void> | void,
): Promise<ScriptedServer> {
  const played = deferred();
  const peers: Peer[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = new Peer(socket);
    peers.push(peer);
    Promise.resolve(script(peer)).then(() => played.resolve(), played.reject);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    played: played.promise,
    async [Symbol.asyncDispose]() {
      for (const { socket } of peers) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
