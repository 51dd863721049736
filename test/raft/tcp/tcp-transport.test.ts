import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { SystemClock } from '../../../base/clock.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { logIndex, type NodeId, term } from '../../../raft/core/types.ts';
import { defaultTransportLimits } from '../../../raft/tcp/limits.ts';
import { OutboundStream } from '../../../raft/tcp/outbound-stream.ts';
import type { TcpTransport, TcpTransportOptions } from '../../../raft/tcp/tcp-transport.ts';
import { wireVersion } from '../../../raft/tcp/wire-codec.ts';
import { lowPort } from '../../support/low-port.ts';
import { entries, n1, n2, n3 } from '../shell-fakes.ts';
import { openTransport, type TransportWishes } from './open-transport.ts';

// Two transports on loopback. Nothing here waits for longer than a condition takes.

const clock = new SystemClock();

interface End {
  readonly transport: TcpTransport;
  readonly received: Message[];
  readonly states: string[];
}

async function openEnd(self: NodeId, options: TransportWishes): Promise<End & AsyncDisposable> {
  const received: Message[] = [];
  const states: string[] = [];
  const transport = await openTransport(self, options, {
    onMessage: (_from, message) => received.push(message),
    onPeer: (_peer, state) => states.push(state),
  });
  return { transport, received, states, [Symbol.asyncDispose]: () => transport.close() };
}

function at(port: number): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port };
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = clock.monotonicMs() + 60_000;
  while (!condition()) {
    if (clock.monotonicMs() > deadlineMs) throw new Error(`waited too long for ${condition}`);
    await clock.delay(2);
  }
}

function vote(ofTerm: number): Message {
  return { kind: 'vote-response', term: term(ofTerm), granted: true };
}

/** A listener that knows n2, which never answers, and somebody who says to be n2. */
async function listener(
  limits: TcpTransportOptions['limits'] = {},
): Promise<End & AsyncDisposable> {
  return await openEnd(n1, { peers: [{ id: n2, ...at(1) }], limits });
}

function dialAsN2(port: number): OutboundStream {
  return new OutboundStream({
    ...at(port),
    hello: {
      wireVersion,
      ...{ clusterId: 'c1', fingerprint: 'f1', initialMembers: '' },
      ...{ from: n2, to: n1, address: null },
    },
    clock,
    limits: defaultTransportLimits,
  });
}

test('messages arrive in order, thousands of small ones and a large one', async () => {
  await using one = await listener();
  await using two = await openEnd(n2, { peers: [{ id: n1, ...at(one.transport.port) }] });
  await until(() => two.states.length === 1);
  const large: Message = {
    kind: 'append-request',
    term: term(1),
    previous: { term: term(0), index: logIndex(0) },
    entries: entries(1, 1, { bytes: 8 * 1024 * 1024 }),
    commitIndex: logIndex(0),
    readRound: 0,
  };

  const sent = [...Array.from({ length: 2000 }, (_, place) => vote(place)), large, vote(2000)];
  for (const message of sent) two.transport.send(n1, message);

  await until(() => one.received.length === sent.length);
  expect(one.received.map(({ kind, term: ofTerm }) => `${kind} ${ofTerm}`)).toEqual(
    sent.map(({ kind, term: ofTerm }) => `${kind} ${ofTerm}`),
  );
  expect(two.transport.peers).toEqual([{ id: n1, isConnected: true, lastRefusal: null }]);
});

test.each([
  ['cluster-id', { clusterId: 'c2' }],
  ['config-fingerprint', { fingerprint: 'f2' }],
])('a peer of another %s is refused, is told why, and is not heard', async (reason, wrong) => {
  await using one = await listener();
  await using two = await openEnd(n2, { peers: [{ id: n1, ...at(one.transport.port) }], ...wrong });

  await until(() => two.transport.peers[0]?.lastRefusal !== null);
  two.transport.send(n1, vote(1));

  expect(two.transport.peers[0]?.lastRefusal).toContain(`refused: ${reason}`);
  expect(two.states).toEqual([]);
  expect(one.received).toEqual([]);
});

test('a link comes back when the peer does, and says when it was down', async () => {
  await using two = await openEnd(n2, { peers: [], fingerprint: 'f2' });
  const { port } = two.transport;
  await using one = await openEnd(n1, { peers: [{ id: n2, ...at(port) }] });
  await until(() => one.transport.peers[0]?.lastRefusal !== null);
  await two.transport.close();

  await using again = await openEnd(n2, {
    listen: at(port),
    peers: [{ id: n1, ...at(one.transport.port) }],
  });
  await until(() => one.states.includes('up') && again.states.includes('up'));
  expect(one.transport.peers[0]?.lastRefusal).toBeNull();
  await again.transport.close();

  await until(() => one.states.join() === 'up,down');
});

test('a taken port is a clear refusal to start', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  await expect(openEnd(n1, { listen: at(port), peers: [] })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    exitStatus: 11,
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  taken.close();
});

test('a malformed frame is not heard, and ends the stream (S1)', async () => {
  await using one = await listener();
  const stream = dialAsN2(one.transport.port);
  expect(await stream.answer).toEqual({ kind: 'accepted' });

  stream.write(Uint8Array.from([0x91, 0xff]));

  expect(await stream.ended).toContain('malformed frame');
  expect(one.received).toEqual([]);
});

test('of a peer that calls twice the newer stream counts (R3)', async () => {
  await using one = await listener();
  const older = dialAsN2(one.transport.port);
  await older.answer;
  const newer = dialAsN2(one.transport.port);
  await newer.answer;

  expect(await older.ended).toContain('newer stream');
  newer.close('done');
});

test('whoever connects and says nothing is cut off (S6)', async () => {
  await using one = await listener({ handshakeTimeoutMs: 100 });
  const socket = connect(one.transport.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.resume();

  await once(socket, 'close');
});

test('garbage on the port disturbs nobody (S1)', async () => {
  await using one = await listener();
  await using two = await openEnd(n2, { peers: [{ id: n1, ...at(one.transport.port) }] });
  await until(() => two.states.length === 1);

  const socket = connect(one.transport.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(new Uint8Array(100_000).fill(0x47));
  await once(socket, 'close');

  two.transport.send(n1, vote(3));
  await until(() => one.received.length === 1);
});

test('a peer that does not answer its hello is given up, dialled again, and leaves no connection behind', async () => {
  let dials = 0;
  let connections = 0;
  const mute = createServer((socket) => {
    dials += 1;
    connections += 1;
    socket.resume().on('error', () => undefined);
    socket.on('close', () => {
      connections -= 1;
    });
  });
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const address = mute.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const one = await openEnd(n1, {
    peers: [{ id: n2, ...at(port) }],
    limits: { handshakeTimeoutMs: 50 },
  });
  await until(() => dials >= 4 && connections <= 1);
  await one.transport.close();

  expect(one.states).toEqual([]);
  await until(() => connections === 0);
  mute.close();
});

test('a node that is new answers whom it does not know, at the address of the hello', async () => {
  await using fresh = await openEnd(n2, { peers: [] });
  const port = await lowPort();
  await using leader = await openEnd(n1, {
    listen: at(port),
    advertise: at(port),
    peers: [],
  });
  leader.transport.setMembers([{ id: n2, address: at(fresh.transport.port) }], logIndex(7));

  await until(() => leader.states.includes('up') && fresh.states.includes('up'));
  leader.transport.send(n2, vote(1));
  fresh.transport.send(n1, vote(2));

  await until(() => leader.received.length === 1 && fresh.received.length === 1);
});

test('links follow the members: a new one is dialled, one that moved too, one that left is not dialled again', async () => {
  await using two = await openEnd(n2, { peers: [] });
  await using one = await openEnd(n1, {
    peers: [
      { id: n2, ...at(1) },
      { id: n3, ...at(1) },
    ],
  });
  expect(one.transport.peers.map(({ id }) => id)).toEqual([n2, n3]);

  one.transport.setMembers([{ id: n2, address: at(two.transport.port) }], logIndex(3));
  await until(() => one.states.join() === 'up');
  expect(one.transport.peers.map(({ id }) => id)).toEqual([n2]);

  // While it is up it may still be told that it was removed.
  one.transport.setMembers([], logIndex(4));
  one.transport.send(n2, vote(5));
  await until(() => two.received.length === 1);
  await two.transport.close();
  await until(() => one.transport.peers.length === 0);
});

test('nodes that would begin with different members refuse each other until one has a newer configuration', async () => {
  await using one = await openEnd(n1, { peers: [], initialMembers: 'n1 n2' });
  const toOne = { id: n1, ...at(one.transport.port) };
  await using two = await openEnd(n2, { peers: [toOne], initialMembers: 'n1 n2 n3' });
  await until(() => two.transport.peers[0]?.lastRefusal !== null);
  expect(two.transport.peers[0]?.lastRefusal).toContain('refused: initial-members');

  two.transport.setMembers([{ id: n1, address: null }], logIndex(5));
  await until(() => two.states.includes('up'));
});

test('a stranger is answered for so many dials, and only so many strangers are', async () => {
  await using one = await openEnd(n1, {
    peers: [],
    limits: { strangersMax: 1, strangerDialsMax: 2 },
  });
  const callFrom = async (from: NodeId): Promise<OutboundStream> => {
    const stream = new OutboundStream({
      ...at(one.transport.port),
      hello: {
        wireVersion,
        ...{ clusterId: 'c1', fingerprint: 'f1', initialMembers: '' },
        ...{ from, to: n1, address: at(1) },
      },
      clock,
      limits: defaultTransportLimits,
    });
    await stream.answer;
    return stream;
  };
  const first = await callFrom(n2);
  expect(one.transport.peers.map(({ id }) => id)).toEqual([n2]);
  const second = await callFrom(n3);
  expect(one.transport.peers.map(({ id }) => id)).toEqual([n2]);

  await until(() => one.transport.peers.length === 0);
  first.close('done');
  second.close('done');
});
