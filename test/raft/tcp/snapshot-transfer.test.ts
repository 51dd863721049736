import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import { SystemClock } from '../../../base/clock.ts';
import type { SnapshotMeta } from '../../../raft/core/snapshot.ts';
import { logIndex, term } from '../../../raft/core/types.ts';
import type { SnapshotStore } from '../../../raft/snapshot-store.ts';
import type { TcpTransport, TcpTransportOptions } from '../../../raft/tcp/tcp-transport.ts';
import { n1, n2 } from '../shell-fakes.ts';
import { openTransport } from './open-transport.ts';

// Goal: a snapshot comes over whole or not at all, no faster than it is taken, whatever happens to the connection. Method:
// n1 holds one and n2 fetches it, over real sockets.

const clock = new SystemClock();
const kibibyte = 1024;
const meta: SnapshotMeta = { last: { term: term(2), index: logIndex(7) }, membership: null };
const limits = {
  snapshotChunkBytes: 16 * kibibyte,
  snapshotIdleMs: 60_000,
};

/** Holds one snapshot, whose chunks are made as they are asked for. */
class MadeStore implements SnapshotStore {
  chunkCount = 8;
  chunkBytes = 40 * kibibyte;
  chunksGiven = 0;
  /** What each reading of the snapshot begins with: readings may differ, as they must not. */
  seed = (): number => 1;
  onChunk: (place: number) => Promise<void> | void = () => {};

  describe(): SnapshotMeta {
    return meta;
  }

  async *open(): AsyncGenerator<Uint8Array> {
    const seed = this.seed();
    for (let place = 0; place < this.chunkCount; place += 1) {
      await this.onChunk(place);
      this.chunksGiven += 1;
      yield new Uint8Array(this.chunkBytes).fill(place * 7 + seed);
    }
  }

  install(): Promise<void> {
    throw new Error('nobody installs here');
  }

  get content(): Uint8Array {
    const chunks = Array.from({ length: this.chunkCount }, (_, place) =>
      new Uint8Array(this.chunkBytes).fill(place * 7 + 1),
    );
    return concatBytes(chunks);
  }
}

interface Pair extends AsyncDisposable {
  readonly store: MadeStore;
  readonly fetcher: TcpTransport;
  readonly holder: TcpTransport;
  readonly proxy: CuttingProxy;
}

/** Passes bytes on, and can cut all that is connected. */
class CuttingProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(targetPort: () => number) {
    this.#server = createServer((socket) => {
      const target = netConnect(targetPort(), '127.0.0.1');
      this.#sockets.add(socket);
      for (const end of [socket, target]) end.on('error', () => end.destroy());
      socket.pipe(target).pipe(socket);
      socket.once('close', () => target.destroy());
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

async function pair(options: Partial<TcpTransportOptions> = {}): Promise<Pair> {
  const store = new MadeStore();
  const holder = await openTransport(n1, {
    peers: [],
    snapshots: store,
    limits: { ...limits, ...options.limits },
  });
  const proxy = new CuttingProxy(() => holder.port);
  const port = await proxy.open();
  const fetcher = await openTransport(n2, {
    peers: [{ id: n1, host: '127.0.0.1', port }],
    ...options,
    limits: { ...limits, ...options.limits },
  });
  const close = async (): Promise<void> => {
    proxy.close();
    await Promise.all([fetcher.close(), holder.close()]);
  };
  return { store, fetcher, holder, proxy, [Symbol.asyncDispose]: close };
}

async function taken(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Uint8Array.from(concatBytes(parts));
}

const never = new AbortController().signal;

test('a snapshot arrives whole, cut into chunks of the size the limits say', async () => {
  await using ends = await pair();
  const lengths: number[] = [];

  const parts: Uint8Array[] = [];
  for await (const chunk of ends.fetcher.fetch(n1, meta, never)) {
    lengths.push(chunk.length);
    parts.push(Uint8Array.from(chunk));
  }

  expect(Buffer.compare(concatBytes(parts), ends.store.content)).toBe(0);
  expect(Math.max(...lengths)).toBe(limits.snapshotChunkBytes);
});

test('a snapshot of no bytes arrives as well', async () => {
  await using ends = await pair();
  ends.store.chunkCount = 0;

  expect(await taken(ends.fetcher.fetch(n1, meta, never))).toEqual(new Uint8Array(0));
});

test('the holder reads no further ahead than what waits on the way', async () => {
  await using ends = await pair();
  ends.store.chunkCount = 4000;
  const chunks = ends.fetcher.fetch(n1, meta, never)[Symbol.asyncIterator]();

  await chunks.next();
  // Nothing more is taken: the holder stops once all that lies between is full.
  let given = -1;
  while (given !== ends.store.chunksGiven) {
    given = ends.store.chunksGiven;
    await clock.delay(60);
  }

  expect(given * ends.store.chunkBytes).toBeLessThan(16 * kibibyte * kibibyte);
  await chunks.return?.(undefined);
});

test('a cut connection is taken up where it ended', async () => {
  await using ends = await pair();
  ends.store.chunkCount = 60;
  let cuts = 0;
  ends.store.onChunk = async (place) => {
    // Only once some of it is on its way: then the next call must not begin anew.
    if (place !== 30 || cuts >= 3) return;
    cuts += 1;
    await clock.delay(5);
    ends.proxy.cut();
  };

  const bytes = await taken(ends.fetcher.fetch(n1, meta, never));

  expect(cuts).toBe(3);
  expect(Buffer.compare(bytes, ends.store.content)).toBe(0);
});

test('a holder that falls silent is called again, and given up when nothing comes', async () => {
  await using ends = await pair({ limits: { snapshotIdleMs: 400 } });
  ends.store.onChunk = () => new Promise(() => {});

  const failed = taken(ends.fetcher.fetch(n1, meta, never));

  await expect(failed).rejects.toMatchObject({
    code: 'RAFT_SNAPSHOT_FAILED',
    message: expect.stringMatching(/nothing came for 400 ms, after 0 bytes|refused: busy/),
  });
});

test('bytes that differ between two calls are no snapshot', async () => {
  await using ends = await pair();
  let readings = 0;
  ends.store.seed = () => {
    readings += 1;
    return readings;
  };
  ends.store.chunkCount = 60;
  ends.store.onChunk = async (place) => {
    if (place !== 30 || readings > 1) return;
    await clock.delay(5);
    ends.proxy.cut();
  };

  const failed = taken(ends.fetcher.fetch(n1, meta, never));

  await expect(failed).rejects.toMatchObject({ code: 'RAFT_SNAPSHOT_DAMAGED' });
});

test('a snapshot that is not held any more is refused by name, and not asked for again', async () => {
  await using ends = await pair();
  const older = { last: { term: term(2), index: logIndex(3) }, membership: null };

  await expect(taken(ends.fetcher.fetch(n1, older, never))).rejects.toMatchObject({
    code: 'RAFT_SNAPSHOT_GONE',
    retryable: true,
  });
});

test('a node of another cluster gets nothing (I12)', async () => {
  await using ends = await pair({ clusterId: 'c2' });

  await expect(taken(ends.fetcher.fetch(n1, meta, never))).rejects.toMatchObject({
    code: 'RAFT_SNAPSHOT_FAILED',
    message: expect.stringMatching(/cluster-id/),
  });
  expect(ends.store.chunksGiven).toBe(0);
});

test('a store that fails ends the fetch with the reason', async () => {
  await using ends = await pair();
  ends.store.onChunk = (place) => {
    if (place === 3) throw new Error('EIO: input/output error, read');
  };

  await expect(taken(ends.fetcher.fetch(n1, meta, never))).rejects.toMatchObject({
    code: 'RAFT_SNAPSHOT_FAILED',
    message: expect.stringMatching(/EIO/),
  });
});

test('a fetch ends when its node does', async () => {
  await using ends = await pair();
  ends.store.onChunk = () => new Promise(() => {});
  const ending = new AbortController();

  const failed = taken(ends.fetcher.fetch(n1, meta, ending.signal));
  ending.abort(new Error('the node ends'));

  await expect(failed).rejects.toThrow('the node ends');
});

test('a cut call is taken up although reading past what came takes longer than silence may last', async () => {
  const snapshotIdleMs = 2000;
  await using ends = await pair({ limits: { snapshotIdleMs } });
  ends.store.chunkCount = 60;
  let isCut = false;
  ends.store.onChunk = async (place) => {
    if (isCut && place < 12) await clock.delay(snapshotIdleMs / 8);
    if (isCut || place !== 30) return;
    isCut = true;
    await clock.delay(5);
    ends.proxy.cut();
  };

  const bytes = await taken(ends.fetcher.fetch(n1, meta, never));

  expect(Buffer.compare(bytes, ends.store.content)).toBe(0);
});
