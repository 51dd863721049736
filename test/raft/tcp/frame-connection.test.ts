import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { Clock } from '../../../base/clock.ts';
import { SystemClock } from '../../../base/clock.ts';
import { deferred } from '../../../base/deferred.ts';
import { FrameConnection } from '../../../raft/tcp/frame-connection.ts';
import { FrameKind, frameOf } from '../../../raft/tcp/frame-reader.ts';

// One end is a connection, the other a bare socket. Time passes when a test says so.

class HandClock implements Clock {
  readonly #real = new SystemClock();
  readonly #timers = new Set<() => void>();

  monotonicMs(): number {
    return this.#real.monotonicMs();
  }

  wallMs(): number {
    return this.#real.wallMs();
  }

  delay(): Promise<void> {
    return new Promise(() => undefined);
  }

  every(_ms: number, callback: () => void): () => void {
    this.#timers.add(callback);
    return () => this.#timers.delete(callback);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** All timers fire once. */
  fire(): void {
    for (const timer of [...this.#timers]) timer();
  }
}

interface Ends extends AsyncDisposable {
  readonly clock: HandClock;
  readonly connection: FrameConnection;
  readonly socket: Socket;
  readonly bare: Socket;
  readonly frames: [number, string][];
  readonly ended: Promise<string>;
}

async function ends({ contentBytesMax = 1000, allowHalfOpen = false } = {}): Promise<Ends> {
  const accepted = deferred<Socket>();
  const server = createServer(accepted.resolve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const bare = connect({ port, allowHalfOpen });
  bare.on('error', () => undefined);
  const clock = new HandClock();
  const ended = deferred<string>();
  const frames: [number, string][] = [];
  const socket = await accepted.promise;
  const connection = new FrameConnection({
    socket,
    clock,
    contentBytesMax,
    onFrame: (kind, content) => frames.push([kind, new TextDecoder().decode(content)]),
    onEnd: ended.resolve,
  });
  const dispose = async (): Promise<void> => {
    bare.destroy();
    connection.destroy('done');
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    ...{ clock, connection, socket, bare, frames, ended: ended.promise },
    [Symbol.asyncDispose]: dispose,
  };
}

async function heard(bare: Socket): Promise<Buffer> {
  const [bytes]: Buffer[] = await once(bare, 'data');
  return bytes ?? Buffer.alloc(0);
}

test('a peer that is not heard for three intervals is given up, and says nothing more', async () => {
  await using pair = await ends();
  pair.connection.keepAlive(1000);

  for (let interval = 0; interval < 2; interval += 1) pair.clock.fire();
  expect(pair.connection.isOver).toBe(false);
  pair.clock.fire();

  expect(await pair.ended).toBe('the peer is not heard');
  expect(pair.clock.timers).toBe(0);
});

test('a peer that sends nothing but pings is kept; pings are no frames to anybody', async () => {
  await using pair = await ends();
  pair.connection.keepAlive(1000);
  for (let round = 0; round < 4; round += 1) {
    pair.clock.fire();
    pair.clock.fire();
    pair.bare.write(frameOf(FrameKind.ping, new Uint8Array(0)));
    pair.bare.write(frameOf(FrameKind.messages, Uint8Array.of(0x61)));
    while (pair.frames.length <= round) await new SystemClock().delay(1);
  }
  expect(pair.connection.isOver).toBe(false);
  expect(pair.frames).toEqual(Array.from({ length: 4 }, () => [FrameKind.messages, 'a']));
});

test('who wrote nothing in an interval pings, who wrote does not', async () => {
  await using pair = await ends();
  pair.connection.keepAlive(1000);
  pair.clock.fire();
  expect([...(await heard(pair.bare))]).toEqual([0, 0, 0, 0, FrameKind.ping]);

  pair.connection.write(FrameKind.messages, Uint8Array.of(1));
  pair.clock.fire();
  pair.connection.write(FrameKind.messages, Uint8Array.of(2));
  let bytes = Buffer.alloc(0);
  while (bytes.length < 12) bytes = Buffer.concat([bytes, await heard(pair.bare)]);
  expect([...bytes]).toEqual([
    0,
    0,
    0,
    1,
    FrameKind.messages,
    1,
    0,
    0,
    0,
    1,
    FrameKind.messages,
    2,
  ]);
});

test('the other side is told why, and what it still sends is not heard', async () => {
  await using pair = await ends();
  pair.connection.refuse('because');
  const closed = once(pair.bare, 'close');
  pair.bare.write(frameOf(FrameKind.messages, Uint8Array.of(0x61)));
  const bytes = await heard(pair.bare);
  await closed;

  expect(bytes.subarray(5).toString()).toBe('because');
  expect(await pair.ended).toBe('done');
  expect(pair.frames).toEqual([]);
});

test('who does not close is closed upon', async () => {
  await using pair = await ends({ allowHalfOpen: true });
  pair.connection.refuse('because');
  await once(pair.bare.resume(), 'end');
  expect(pair.socket.destroyed).toBe(false);

  const closed = once(pair.socket, 'close');
  pair.clock.fire();
  await closed;
});

test('the reason of the other side ends the connection', async () => {
  await using pair = await ends();
  pair.bare.write(frameOf(FrameKind.ending, new TextEncoder().encode('go away')));

  expect(await pair.ended).toBe('go away');
});

test('nothing behind bytes that mean nothing is heard (S1)', async () => {
  await using pair = await ends({ contentBytesMax: 8 });
  pair.bare.write(frameOf(FrameKind.messages, new Uint8Array(9)));
  pair.bare.write(frameOf(FrameKind.messages, Uint8Array.of(0x61)));

  expect((await heard(pair.bare)).subarray(5).toString()).toContain('malformed frame');
  await pair.ended;
  expect(pair.frames).toEqual([]);
});

test('room is waited for until the other side reads, or is gone', async () => {
  await using pair = await ends();
  pair.bare.pause();
  while (pair.connection.write(FrameKind.messages, new Uint8Array(1024 * 1024))) {
    await new Promise(setImmediate);
  }
  const room = pair.connection.room();
  pair.bare.resume();
  expect(await room).toBe(true);

  pair.bare.pause();
  while (pair.connection.write(FrameKind.messages, new Uint8Array(8 * 1024 * 1024))) {
    await new Promise(setImmediate);
  }
  const none = pair.connection.room();
  pair.bare.destroy();
  expect(await none).toBe(false);
});
