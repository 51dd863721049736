import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { DumpClient } from '../../../mysql-bridge/dump-client.ts';
import { MySqlConnection } from '../../../mysql-bridge/mysql-connection.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';
import {
  SourceServer,
  type SourceServerOptions,
} from '../../../mysql-bridge/source/source-server.ts';
import { ArrayRaft } from '../../support/array-raft.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { waitFor } from '../../support/wait-for.ts';
import { gtidOf } from '../ledger/log-arbitrary.ts';
import { eventPayload, formatDescription, ledgerOf, sourceServerId } from './dump-fixtures.ts';

const account = { user: 'follower', password: 'secret' };
const systemClock = new SystemClock();

interface Running extends AsyncDisposable {
  readonly raft: ArrayRaft;
  readonly server: SourceServer;
  readonly port: number;
}

async function startServer(options: Partial<SourceServerOptions> = {}): Promise<Running> {
  const raft = new ArrayRaft();
  const ledger = await ledgerOf(raft);
  const server = new SourceServer({
    listen: { host: '127.0.0.1', port: 0 },
    accounts: [account],
    raft,
    ledger,
    formatDescription: () => formatDescription,
    serverUuid: 'bbbbbbbb-0000-0000-0000-000000000001',
    serverId: sourceServerId,
    version: '9.7.4',
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
  const port = await server.open();
  return {
    raft,
    server,
    port,
    async [Symbol.asyncDispose]() {
      await server.close();
      await ledger.close();
    },
  };
}

/** What a socket got until it was closed by the other side. */
function received(socket: Socket): {
  readonly bytes: () => Buffer;
  readonly closed: Promise<void>;
} {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  return {
    bytes: () => Buffer.concat(chunks),
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  };
}

function endpointOf({ port }: Running): { kind: 'tcp'; host: string; port: number } {
  return { kind: 'tcp', host: '127.0.0.1', port };
}

async function openDump(running: Running, replicaUuid: string): Promise<DumpClient> {
  return await DumpClient.open({
    endpoint: endpointOf(running),
    account,
    serverId: 7,
    replicaUuid,
    heartbeatPeriodMs: 1000,
    isSemisync: false,
    loginTimeoutMs: 60_000,
    clock: systemClock,
  });
}

test('several replicas get everything, and the same replica attached twice is served once', async () => {
  await using running = await startServer();
  const uuids = ['replica-1', 'replica-2', 'replica-1'];
  const ends: number[] = [];
  const pieces = new Map<number, number>();
  const clients: DumpClient[] = [];
  for (const [at, uuid] of uuids.entries()) {
    const client = await openDump(running, uuid);
    clients.push(client);
    client.start(new GtidSet().encode(), {
      onPieces: (got) => pieces.set(at, (pieces.get(at) ?? 0) + got.length),
      onEnd: () => ends.push(at),
    });
    await waitFor(() => expect(pieces.get(at)).toBeGreaterThan(0));
  }

  await waitFor(() => expect(ends).toEqual([0]));
  const before = new Map(pieces);
  running.raft.append(1, eventPayload(gtidOf(1)));
  running.raft.commit();

  await waitFor(() => {
    for (const at of [1, 2]) expect(pieces.get(at)).toBeGreaterThan(before.get(at) ?? 0);
  });
  expect(running.server.dumps.map(({ replicaUuid }) => replicaUuid).sort()).toEqual([
    'replica-1',
    'replica-2',
  ]);
  for (const client of clients) await client.close();
  await waitFor(() => expect(running.server.dumps).toEqual([]));
});

test('a dump is put off while the format of the binlog is not known', async () => {
  await using running = await startServer({ formatDescription: () => null });
  await using client = await openDump(running, 'replica-1');

  const end = await new Promise<Error | null>((resolve) => {
    client.start(new GtidSet().encode(), { onPieces() {}, onEnd: resolve });
  });

  // Any number but 1236 makes a replica try again.
  expect(end).toMatchObject({ serverErrorNumber: 1053 });
});

test('a connection past the maximum is told so, and one that leaves makes room (HAZARDS S6)', async () => {
  await using running = await startServer({ limits: { sessionsMax: 2 } });
  const open = [0, 1].map(() => connect(running.port, '127.0.0.1'));
  await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('data', resolve))));

  const refused = received(connect(running.port, '127.0.0.1'));
  await refused.closed;

  expect(refused.bytes().readUInt16LE(5)).toBe(1040);
  open[0]?.destroy();
  await waitFor(async () => {
    await using connection = await MySqlConnection.open({
      endpoint: endpointOf(running),
      account,
      loginTimeoutMs: 60_000,
      clock: systemClock,
    });
    expect((await connection.query('SELECT @@server_id')).kind).toBe('rows');
  });
  open[1]?.destroy();
});

test('a log-in that takes too long is cut (HAZARDS N12)', async () => {
  const clock = new FakeClock();
  await using running = await startServer({ clock, limits: { loginTimeoutMs: 3000 } });
  const socket = connect(running.port, '127.0.0.1');
  const { closed } = received(socket);
  await new Promise((resolve) => socket.once('data', resolve));

  clock.advance(3000);

  await closed;
});

test('a session that asks nothing for too long is cut (HAZARDS N12)', async () => {
  const clock = new FakeClock();
  await using running = await startServer({ clock, limits: { idleTimeoutMs: 3000 } });
  await using connection = await MySqlConnection.open({
    endpoint: endpointOf(running),
    account,
    loginTimeoutMs: 60_000,
    clock: systemClock,
  });
  clock.advance(2000);
  await connection.query('SELECT 1');
  clock.advance(2000);
  // The first question began the time anew.
  await connection.query('SELECT 1');

  clock.advance(3000);

  await expect(connection.query('SELECT 1')).rejects.toMatchObject({
    code: 'MYSQL_CONNECTION_LOST',
  });
});

test('a packet that claims too much before the log-in is refused at its header (HAZARDS H31)', async () => {
  await using running = await startServer();
  const socket = connect(running.port, '127.0.0.1');
  const got = received(socket);
  await new Promise((resolve) => socket.once('data', resolve));

  socket.write(encodePacket(new Uint8Array(70 * 1024), 1));
  await got.closed;

  const greetingBytes = 4 + (got.bytes()[0] ?? 0);
  expect(got.bytes().readUInt16LE(greetingBytes + 5)).toBe(1153);
});

test('a closed server has no session left', async () => {
  const running = await startServer();
  const client = await openDump(running, 'replica-1');
  const ended = new Promise((resolve) => {
    client.start(new GtidSet().encode(), { onPieces() {}, onEnd: resolve });
  });

  await running[Symbol.asyncDispose]();

  expect(await ended).toBeInstanceOf(Error);
  await client.close();
});
