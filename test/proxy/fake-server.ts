import { createServer, type Socket } from 'node:net';
import { greeting, modern, Response } from './core/wire.ts';
import { RawStream } from './raw-stream.ts';

/** A server that lets everybody in and answers commands as the test says; null: not yet. */
export interface FakeServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
  /** Destroys all connections, as a server that is killed. */
  kill(): void;
}

export type Answer = (command: Uint8Array) => Uint8Array | null;

export async function startFakeServer(
  respond: Answer = () => new Response(modern).ok().bytes,
): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    void converse(socket, respond);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const kill = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    kill,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      kill();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function converse(socket: Socket, respond: Answer): Promise<void> {
  const stream = new RawStream(socket);
  socket.write(greeting());
  if ((await stream.packet()) === null) return;
  socket.write(new Response(modern, 2).ok().bytes);
  for (;;) {
    const command = await stream.packet();
    if (command === null || command[0] === 1) break;
    const answer = respond(command);
    if (answer !== null) socket.write(answer);
  }
  socket.end();
}

/** What a fake client reads as an ERR: number, SQLSTATE and text. */
export function errorText(packet: Uint8Array | null): string {
  return packet === null || packet[0] !== 0xff ? '' : Buffer.from(packet.subarray(3)).toString();
}
