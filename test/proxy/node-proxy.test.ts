import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { createProxy, defaultProxyLimits, type ProxyOptions } from '../../proxy/index.ts';
import type { NodeProxy } from '../../proxy/node-proxy.ts';
import type { PortName } from '../../proxy/options.ts';
import { logIndex, nodeId, term } from '../../raft/core/types.ts';
import { waitFor } from '../support/wait-for.ts';
import { answer, greetingConnectionId, modern, query, Response } from './core/wire.ts';
import { FakeLeader } from './fake-leader.ts';
import { errorText, type FakeServer, startFakeServer } from './fake-server.ts';
import { RawStream } from './raw-stream.ts';

// Goal: the threads, sockets and shared memory around the session machine. Method: real workers and sockets, a server that
// says what the test wants, and a leader that confirms when the test wants.

class TestProxy {
  readonly leader = new FakeLeader();
  readonly proxy: NodeProxy;
  readonly #sockets: Socket[] = [];

  constructor(options: Partial<ProxyOptions> = {}, limits: Partial<ProxyOptions['limits']> = {}) {
    const anyPort = { host: '127.0.0.1', port: 0 };
    this.proxy = createProxy({
      addresses: {
        readWrite: anyPort,
        readOnly: anyPort,
        forwardReadWrite: anyPort,
        forwardReadOnly: anyPort,
      },
      host: this.leader,
      killConnections: () => Promise.resolve(),
      readMode: 'read-index',
      workers: 1,
      reservedUsers: [],
      clock: new SystemClock(),
      logger: silentLogger,
      ...options,
      limits: { ...defaultProxyLimits, ...limits },
    });
  }

  static async open(
    options: Partial<ProxyOptions> = {},
    limits: Partial<ProxyOptions['limits']> = {},
  ): Promise<TestProxy> {
    const opened = new TestProxy(options, limits);
    await opened.proxy.open();
    return opened;
  }

  serve(server: FakeServer): void {
    const target = { kind: 'local', port: server.port } as const;
    this.proxy.setView({ readWrite: target, readOnly: target });
    this.proxy.openGate(1);
  }

  client(port: PortName = 'readWrite'): RawStream {
    const socket = connect({ host: '127.0.0.1', port: this.proxy.ports[port], noDelay: true });
    this.#sockets.push(socket);
    return new RawStream(socket);
  }

  async login(port: PortName = 'readWrite'): Promise<RawStream> {
    const client = this.client(port);
    expect((await client.packet())?.[0]).toBe(10);
    client.socket.write(answer());
    expect((await client.packet())?.[0]).toBe(0);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.proxy.close();
  }
}

async function ask(client: RawStream, sql: string): Promise<Uint8Array | null> {
  client.socket.write(query(sql));
  return await client.packet();
}

test('a session logs in, asks and is answered', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const client = await proxy.login();
  expect((await ask(client, 'SELECT 1'))?.[0]).toBe(0);
  expect(proxy.proxy.counts()).toMatchObject({ readWriteSessions: 1, heldResponses: 0 });
});

test('a response leaves only after a round begun after its command (C8)', async () => {
  const commands: number[] = [];
  await using server = await startFakeServer((command) => {
    commands.push(command.length);
    return new Response(modern).ok().bytes;
  });
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const client = await proxy.login();
  proxy.leader.isConfirming = false;

  let answered: Uint8Array | null | undefined;
  const asked = ask(client, 'SELECT 1').then((packet) => {
    answered = packet;
  });
  await waitFor(() => expect(proxy.proxy.counts().heldResponses).toBe(1));
  expect(commands).toHaveLength(1);
  expect(answered).toBeUndefined();

  proxy.leader.confirm();
  await asked;
  expect(answered?.[0]).toBe(0);
});

test('a round that was begun before a command confirms nothing for it', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const [first, second] = [await proxy.login(), await proxy.login()];
  proxy.leader.isConfirming = false;
  const before = proxy.leader.rounds;

  const firstAnswer = ask(first, 'SELECT 1');
  await waitFor(() => expect(proxy.leader.rounds).toBe(before + 1));
  const secondAnswer = ask(second, 'SELECT 2');
  await waitFor(() => expect(proxy.leader.rounds).toBe(before + 2));
  await waitFor(() => expect(proxy.proxy.counts().heldResponses).toBe(2));

  proxy.leader.confirmOldest();
  expect((await firstAnswer)?.[0]).toBe(0);
  await waitFor(() => expect(proxy.proxy.counts().heldResponses).toBe(1));
  proxy.leader.confirm();
  expect((await secondAnswer)?.[0]).toBe(0);
});

/** A commit of the session that logged in last, as the node sees it: proposed, committed, acked, and then answered. */
function commitThrough({ proxy }: TestProxy, index: number, connectionId: number): void {
  const firstIndex = logIndex(index);
  proxy.commitRounds.propose(() => ({ term: term(1), firstIndex, count: 1 }));
  proxy.commitRounds.committed(firstIndex, term(1));
  proxy.timings.acking(connectionId, 0);
}

test('a write whose own commit confirms leadership asks for no round once that is known of it', async () => {
  let proxy: TestProxy | null = null;
  let isCommitting = true;
  let index = 0;
  await using server = await startFakeServer(() => {
    index += 1;
    if (isCommitting && proxy !== null) commitThrough(proxy, index, greetingConnectionId);
    return new Response(modern).ok().bytes;
  });
  await using opened = await TestProxy.open();
  proxy = opened;
  opened.serve(server);
  const client = await opened.login();
  await ask(client, 'INSERT INTO one');
  const { rounds } = opened.leader;
  opened.leader.isConfirming = false;

  expect((await ask(client, 'INSERT INTO one'))?.[0]).toBe(0);
  expect((await ask(client, 'INSERT INTO two'))?.[0]).toBe(0);
  expect(opened.leader.rounds).toBe(rounds);

  // Expected to commit, and does not: its answer waits for a round all the same (C8, H15).
  isCommitting = false;
  const asked = ask(client, 'INSERT INTO three');
  await waitFor(() => expect(opened.proxy.counts().heldResponses).toBe(1));
  await waitFor(() => expect(opened.leader.rounds).toBe(rounds + 1));
  opened.leader.confirm();
  expect((await asked)?.[0]).toBe(0);

  // And is no more expected to: the round is asked for when the command comes.
  opened.leader.isConfirming = true;
  await ask(client, 'INSERT INTO four');
  expect(opened.leader.rounds).toBe(rounds + 2);
});

test('among many commands the first answer asks for the round, and alone the command itself', async () => {
  let commands = 0;
  await using server = await startFakeServer((command) => {
    commands += 1;
    const isHanging = Buffer.from(command).includes('SLEEP');
    return isHanging ? null : new Response(modern).ok().bytes;
  });
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const sleepers: RawStream[] = [];
  for (let count = 0; count < 4; count += 1) sleepers.push(await proxy.login());
  const [asking, silent] = [await proxy.login(), await proxy.login()];
  for (const { socket } of sleepers) socket.write(query('SELECT SLEEP(60)'));
  await waitFor(() => expect(commands).toBe(4));
  await ask(asking, 'SELECT 1');
  const { rounds } = proxy.leader;

  silent.socket.write(query('SELECT SLEEP(60)'));
  await waitFor(() => expect(commands).toBe(6));
  expect((await ask(asking, 'SELECT 2'))?.[0]).toBe(0);
  expect(proxy.leader.rounds).toBe(rounds + 1);

  // Commands of sessions that have ended crowd nobody.
  for (const { socket } of [...sleepers, silent]) socket.destroy();
  await waitFor(() => expect(proxy.proxy.counts().readWriteSessions).toBe(1));
  asking.socket.write(query('SELECT SLEEP(60)'));
  await waitFor(() => expect(proxy.leader.rounds).toBe(rounds + 2));
});

test('a commit proposed after a command came releases its held answer, a commit proposed before does not', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const client = await proxy.login();
  proxy.leader.isConfirming = false;
  const { commitRounds } = proxy.proxy;
  commitRounds.propose(() => ({ term: term(1), firstIndex: logIndex(1), count: 1 }));

  const asked = ask(client, 'SELECT 1');
  await waitFor(() => expect(proxy.proxy.counts().heldResponses).toBe(1));
  commitRounds.committed(logIndex(1), term(1));
  expect(proxy.proxy.counts().heldResponses).toBe(1);

  commitRounds.propose(() => ({ term: term(1), firstIndex: logIndex(2), count: 1 }));
  commitRounds.committed(logIndex(2), term(1));
  expect((await asked)?.[0]).toBe(0);
});

test('a rejected round confirms nothing; it is tried again as long as the gate is open', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const client = await proxy.login();
  proxy.leader.isConfirming = false;

  const answered = ask(client, 'SELECT 1');
  await waitFor(() => expect(proxy.proxy.counts().heldResponses).toBe(1));
  const before = proxy.leader.rounds;
  proxy.leader.reject();
  await waitFor(() => expect(proxy.leader.rounds).toBe(before + 1));
  expect(proxy.proxy.counts().heldResponses).toBe(1);
  proxy.leader.confirm();
  expect((await answered)?.[0]).toBe(0);
});

test('with a valid lease no round is needed; without one a round is', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open({ readMode: 'lease' });
  proxy.leader.leaseMs = new SystemClock().monotonicMs() + 60_000;
  proxy.serve(server);
  const client = await proxy.login();
  await ask(client, 'SELECT 1');
  expect(proxy.leader.rounds).toBe(0);

  proxy.leader.leaseMs = 0;
  await waitFor(async () => {
    await ask(client, 'SELECT 1');
    expect(proxy.leader.rounds).toBeGreaterThan(0);
  });
});

test('when the gate closes, a held answer is not given, and the outcome is called unknown (H16, C9)', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const [busy, idle] = [await proxy.login(), await proxy.login()];
  proxy.leader.isConfirming = false;
  const answered = ask(busy, 'INSERT …');
  await waitFor(() => expect(proxy.proxy.counts().heldResponses).toBe(1));

  proxy.proxy.closeGate('a higher term was seen');
  proxy.leader.confirm();

  expect(errorText(await answered)).toMatch(/^#08007PROXY_OUTCOME_UNKNOWN/);
  expect(errorText(await idle.packet())).toMatch(/^#08S01PROXY_SESSION_MOVED/);
  expect(await busy.packet()).toBeNull();
  await waitFor(() => expect(proxy.proxy.counts()).toMatchObject({ heldResponses: 0 }));
});

test('when the server is killed, sessions are told the truth about their last statement', async () => {
  let seen = 0;
  await using server = await startFakeServer(() => {
    seen += 1;
    return null;
  });
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const [busy, idle] = [await proxy.login(), await proxy.login()];
  const answered = ask(busy, 'INSERT …');
  await waitFor(() => expect(seen).toBe(1));
  server.kill();
  expect(errorText(await answered)).toMatch(/PROXY_OUTCOME_UNKNOWN/);
  expect(errorText(await idle.packet())).toMatch(/PROXY_SESSION_LOST/);
});

test('a new session waits for a leader, and is told when there is none for too long', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open({}, { failoverWaitMs: 1_000 });
  const waiting = proxy.client();
  expect(errorText(await waiting.packet())).toMatch(/^#08004PROXY_NO_LEADER/);
  await waitFor(() => expect(proxy.proxy.counts().readWriteSessions).toBe(0));

  const patient = proxy.client();
  await waitFor(() => expect(proxy.proxy.counts().readWriteSessions).toBe(1));
  proxy.serve(server);
  expect((await patient.packet())?.[0]).toBe(10);
});

test('a node that was removed refuses new sessions at once, also those that wait, and lets the others end', async () => {
  await using server = await startFakeServer();
  await using leader = await TestProxy.open();
  leader.serve(server);
  await using proxy = await TestProxy.open();
  const { forwardReadWrite } = leader.proxy.ports;
  const to = { nodeId: nodeId('n1'), host: '127.0.0.1', port: forwardReadWrite };
  proxy.proxy.setView({ readWrite: { kind: 'remote', ...to }, readOnly: null });
  const served = await proxy.login();
  const waiting = proxy.client('readOnly');
  await waitFor(() => expect(proxy.proxy.counts().readOnlySessions).toBe(1));

  proxy.proxy.setView({ readWrite: { kind: 'removed' }, readOnly: { kind: 'removed' } });
  expect(errorText(await waiting.packet())).toMatch(/^#08004PROXY_NODE_REMOVED/);
  expect(errorText(await proxy.client().packet())).toMatch(/^#08004PROXY_NODE_REMOVED/);
  expect((await ask(served, 'SELECT 1'))?.[0]).toBe(0);
});

test('a server that does not listen yet is tried again while the session waits', async () => {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => listener.close(resolve));
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  const target = { kind: 'local', port } as const;
  proxy.proxy.setView({ readWrite: target, readOnly: null });
  proxy.proxy.openGate(1);
  const client = proxy.client();
  await waitFor(() => expect(proxy.proxy.counts().readWriteSessions).toBe(1));
  proxy.proxy.setView({ readWrite: { kind: 'local', port: server.port }, readOnly: null });
  expect((await client.packet())?.[0]).toBe(10);
});

test('a forwarded session is served by the other node, under its gate, and goes no further', async () => {
  await using server = await startFakeServer();
  await using leader = await TestProxy.open();
  await using follower = await TestProxy.open({}, { failoverWaitMs: 300 });
  const toLeader = {
    kind: 'remote',
    nodeId: nodeId('n1'),
    host: '127.0.0.1',
    port: leader.proxy.ports.forwardReadWrite,
  } as const;
  leader.serve(server);
  follower.proxy.setView({ readWrite: toLeader, readOnly: null });

  const client = await follower.login();
  expect((await ask(client, 'SELECT 1'))?.[0]).toBe(0);
  expect(leader.leader.rounds).toBeGreaterThan(0);
  expect(follower.leader.rounds).toBe(0);

  const twice = follower.client('forwardReadWrite');
  expect(errorText(await twice.packet())).toMatch(/PROXY_NO_LEADER/);

  leader.proxy.closeGate('deposed');
  expect(errorText(await client.packet())).toMatch(/PROXY_SESSION_MOVED/);
});

test('sessions end when the view leads elsewhere', async () => {
  let seen = 0;
  await using server = await startFakeServer(() => {
    seen += 1;
    return null;
  });
  await using other = await startFakeServer();
  await using proxy = await TestProxy.open();
  const remote = (port: number) =>
    ({ kind: 'remote', nodeId: nodeId('n1'), host: '127.0.0.1', port }) as const;
  proxy.proxy.setView({ readWrite: remote(server.port), readOnly: remote(server.port) });
  const readWrite = await proxy.login('readWrite');
  const readOnly = await proxy.login('readOnly');
  const unanswered = [ask(readWrite, 'INSERT …'), ask(readOnly, 'SELECT 1')];
  await waitFor(() => expect(seen).toBe(2));

  proxy.proxy.setView({ readWrite: remote(other.port), readOnly: remote(other.port) });

  const [first = null, second = null] = await Promise.all(unanswered);
  expect(errorText(first)).toMatch(/PROXY_OUTCOME_UNKNOWN/);
  expect(errorText(second)).toMatch(/PROXY_SESSION_MOVED/);
});

test('read-only sessions of the local server are gone before a promotion, on the server too (S4, H32)', async () => {
  await using server = await startFakeServer((command) =>
    command.includes(0x77) ? null : new Response(modern).ok().bytes,
  );
  const killed: number[] = [];
  await using proxy = await TestProxy.open({
    killConnections: (ids) => {
      killed.push(...ids);
      server.kill();
      return Promise.resolve();
    },
  });
  proxy.serve(server);
  const readOnly = await proxy.login('readOnly');
  await proxy.login('readWrite');
  const waits = ask(readOnly, 'w');
  await waitFor(() => expect(server.connections).toBe(2));

  await proxy.proxy.endLocalReadOnlySessions();

  expect(killed.every((id) => id === 42)).toBe(true);
  expect(errorText(await waits)).toMatch(/PROXY_SESSION_MOVED/);
  await waitFor(() => expect(proxy.proxy.counts().readOnlySessions).toBe(0));
  // No new one is let in before the view says so again.
  const late = proxy.client('readOnly');
  await waitFor(() => expect(proxy.proxy.counts().readOnlySessions).toBe(1));
  proxy.proxy.setView({ readWrite: null, readOnly: { kind: 'local', port: server.port } });
  expect((await late.packet())?.[0]).toBe(10);
});

test('held statements start again when the transfer is given up', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const client = await proxy.login();
  expect(await proxy.proxy.holdStatements({ deadlineMs: 5_000 })).toEqual({ kind: 'quiet' });
  const answered = ask(client, 'INSERT …');
  proxy.proxy.releaseStatements('aborted');
  expect((await answered)?.[0]).toBe(0);
});

test('held statements were not executed when the transfer is done', async () => {
  const seen: string[] = [];
  await using server = await startFakeServer((command) => {
    seen.push(Buffer.from(command.subarray(1)).toString());
    return new Response(modern).ok().bytes;
  });
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const client = await proxy.login();
  await ask(client, 'first');
  await proxy.proxy.holdStatements({ deadlineMs: 5_000 });
  const answered = ask(client, 'second');
  const bystander = ask(await proxy.login('readOnly'), 'third');
  expect((await bystander)?.[0]).toBe(0);

  proxy.proxy.releaseStatements('handed-over');

  expect(errorText(await answered)).toMatch(/PROXY_(NOT_EXECUTED|SESSION_MOVED)/);
  expect(seen).toEqual(['first', 'third']);
});

test('what stands in the way of a transfer is named at the deadline', async () => {
  await using server = await startFakeServer(() => new Response(modern).ok(1).bytes);
  await using proxy = await TestProxy.open({ workers: 2 });
  proxy.serve(server);
  const client = await proxy.login();
  await ask(client, 'BEGIN');
  const outcome = await proxy.proxy.holdStatements({ deadlineMs: 100 });
  expect(outcome).toMatchObject({ kind: 'blocked', sessions: [{ user: 'app' }] });
  // A statement within the transaction still passes.
  expect((await ask(client, 'UPDATE …'))?.[0]).toBe(0);
  proxy.proxy.releaseStatements('aborted');
});

test('more sessions than allowed are refused as by a server, and make room again (S6)', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open({ workers: 2 }, { sessionsMax: 3 });
  proxy.serve(server);
  const clients = [await proxy.login(), await proxy.login(), await proxy.login()];
  expect(errorText(await proxy.client().packet())).toMatch(/^#08004Too many connections/);
  clients[0]?.socket.destroy();
  await waitFor(() => expect(proxy.proxy.counts().readWriteSessions).toBe(2));
  await proxy.login();
  expect(proxy.proxy.counts().refusedSessions).toBe(1);
});

test('who does not log in in time is shown out, and so is who idles (N12, H31)', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open({}, { loginTimeoutMs: 300 });
  proxy.serve(server);
  const silent = proxy.client();
  const slow = proxy.client();
  slow.socket.write(Buffer.alloc(0));
  await silent.packet();
  await slow.packet();
  for (const byte of answer().subarray(0, 5)) slow.socket.write(new Uint8Array([byte]));
  expect(errorText(await silent.packet())).toMatch(/PROXY_LOGIN_TIMEOUT/);
  expect(errorText(await slow.packet())).toMatch(/PROXY_LOGIN_TIMEOUT/);

  // Behind a proxy of its own, where there is time to log in.
  await using patient = await TestProxy.open({}, { idleTimeoutMs: 300 });
  patient.serve(server);
  const idle = await patient.login();
  expect(errorText(await idle.packet())).toMatch(/PROXY_IDLE_TIMEOUT/);
});

test('garbage ends its own session and no other (S1)', async () => {
  await using server = await startFakeServer();
  await using proxy = await TestProxy.open();
  proxy.serve(server);
  const good = await proxy.login();
  const garbage = [
    new Uint8Array([0]),
    new Uint8Array(5000).fill(0xff),
    new Uint8Array(70_000).fill(0x41),
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  ];
  for (const bytes of garbage) {
    const client = proxy.client();
    await client.packet();
    client.socket.end(bytes);
    await client.rest();
  }
  expect((await ask(good, 'SELECT 1'))?.[0]).toBe(0);
  await waitFor(() => expect(proxy.proxy.counts().readWriteSessions).toBe(1));
});

test('a taken port is named with its owner, before any worker starts', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const address = holder.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const anyPort = { host: '127.0.0.1', port: 0 };
  const proxy = new TestProxy({
    addresses: {
      readWrite: anyPort,
      readOnly: { host: '127.0.0.1', port },
      forwardReadWrite: anyPort,
      forwardReadOnly: anyPort,
    },
  });
  await expect(proxy.proxy.open()).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(new RegExp(`port ${port} .* pid ${process.pid}`)),
  });
  await new Promise((resolve) => holder.close(resolve));
});

test('a second proxy on the same ports is refused, though workers share theirs', async () => {
  await using proxy = await TestProxy.open();
  const { ports } = proxy.proxy;
  const second = new TestProxy({
    addresses: {
      readWrite: { host: '127.0.0.1', port: ports.readWrite },
      readOnly: { host: '127.0.0.1', port: 0 },
      forwardReadWrite: { host: '127.0.0.1', port: 0 },
      forwardReadOnly: { host: '127.0.0.1', port: 0 },
    },
  });
  await expect(second.proxy.open()).rejects.toMatchObject({ code: 'PORT_TAKEN' });
});

test('a proxy that closes tells its sessions', async () => {
  await using server = await startFakeServer();
  const proxy = await TestProxy.open();
  proxy.serve(server);
  const readOnly = await proxy.login('readOnly');
  await proxy.proxy.close();
  expect(errorText(await readOnly.packet())).toMatch(/PROXY_SHUTTING_DOWN/);
});
