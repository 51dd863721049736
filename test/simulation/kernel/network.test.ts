import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import { Connections, type SimSocket } from './connections.ts';
import { Datagrams } from './datagrams.ts';
import { Network, type NetworkConditions, perfectNetwork } from './network.ts';
import { type PartitionShape, partition } from './partitions.ts';
import { SimHost } from './sim-host.ts';
import { Processes, type SimProcess } from './sim-process.ts';
import { Simulation } from './simulation.ts';
import { Trace } from './trace.ts';

interface World {
  readonly simulation: Simulation;
  readonly network: Network;
  readonly processes: Processes;
  readonly nodes: readonly SimProcess[];
  readonly datagrams: Datagrams<string>;
  readonly received: string[];
  run(untilMs: number): Promise<void>;
}

function world(conditions: Partial<NetworkConditions> = {}, seed = 1): World {
  const simulation = new Simulation({ seed, trace: new Trace() });
  const processes = new Processes(simulation);
  const network = new Network({
    simulation,
    processes,
    conditions: { ...perfectNetwork, ...conditions },
  });
  const datagrams = new Datagrams<string>(network, { protocol: 'test', describe: (text) => text });
  const received: string[] = [];
  const nodes = ['n1', 'n2', 'n3'].map((name) => {
    const process = processes.start(new SimHost(simulation, name), 'sidecar');
    datagrams.bind(process, ({ from, to, message }) =>
      received.push(`${from.slice(0, 2)}>${to.slice(0, 2)} ${message}`),
    );
    return process;
  });
  const run = (untilMs: number): Promise<void> => simulation.run({ untilUs: untilMs * 1000 });
  return { simulation, network, processes, nodes, datagrams, received, run };
}

function sendMany(one: World, count: number): void {
  const [first] = one.nodes;
  for (let place = 0; place < count; place += 1) {
    if (first !== undefined) one.datagrams.send(first, 'n2/sidecar', `m${place}`);
  }
}

test('without faults every datagram arrives once, within the delay', async () => {
  const one = world();
  sendMany(one, 100);
  await one.run(0.5);
  expect(one.received.toSorted()).toEqual(
    Array.from({ length: 100 }, (_, place) => `n1>n2 m${place}`).toSorted(),
  );
});

test('datagrams are lost, doubled and overtaken about as often as was asked for (N2)', async () => {
  const lossy = world({ lossPermille: 300 });
  sendMany(lossy, 1000);
  await lossy.run(10);
  expect(lossy.received.length).toBeGreaterThan(630);
  expect(lossy.received.length).toBeLessThan(770);

  const doubling = world({ duplicatePermille: 500 });
  sendMany(doubling, 1000);
  await doubling.run(10);
  expect(doubling.received.length).toBeGreaterThan(1400);
  expect(doubling.received.length).toBeLessThan(1600);
  expect(doubling.received).not.toEqual(doubling.received.toSorted());
});

test('the same seed gives the same trace, another seed another', async () => {
  const hash = async (seed: number): Promise<string> => {
    const one = world(
      { lossPermille: 100, duplicatePermille: 200, slowPermille: 50, slowUsMax: 5000 },
      seed,
    );
    sendMany(one, 200);
    await one.run(20);
    return one.simulation.trace.hash;
  };

  expect(await hash(5)).toBe(await hash(5));
  expect(await hash(5)).not.toBe(await hash(6));
});

test('a cut loses datagrams on the wire and those sent during it, until it is lifted', async () => {
  const one = world({ delayUsMin: 1000, delayUsMax: 1000 });
  sendMany(one, 1);
  const cut = one.network.cut([{ from: 'n1', to: 'n2' }]);
  await one.run(2);
  sendMany(one, 1);
  await one.run(4);
  expect(one.received).toEqual([]);

  cut.lift();
  sendMany(one, 1);
  await one.run(6);
  expect(one.received).toEqual(['n1>n2 m0']);
});

test('a clogged link holds back and loses nothing', async () => {
  const one = world();
  one.network.clog({ from: 'n1', to: 'n2' }, 50_000);
  sendMany(one, 3);
  await one.run(49);
  expect(one.received).toEqual([]);
  await one.run(51);
  expect(one.received.length).toBe(3);
});

test('a datagram reaches the next life of its receiver, and none that is dead', async () => {
  const one = world({ delayUsMin: 1000, delayUsMax: 1000 });
  const [, second] = one.nodes;
  sendMany(one, 1);
  second?.kill('test');
  await one.run(2);
  expect(one.received).toEqual([]);

  sendMany(one, 1);
  const again = one.processes.start(new SimHost(one.simulation, 'n2'), 'sidecar');
  one.datagrams.bind(again, ({ message }) => one.received.push(`again ${message}`));
  await one.run(4);
  expect(one.received).toEqual(['again m0']);
});

interface Pair {
  readonly client: SimSocket<string, string>;
  readonly server: SimSocket<string, string>;
  readonly seen: string[];
}

async function connected(one: World): Promise<Pair> {
  const connections = new Connections<string, string>(one.network, {
    protocol: 'stream',
    describe: String,
    timeoutUs: 1_000_000,
  });
  const seen: string[] = [];
  const sockets: Partial<Record<'client' | 'server', SimSocket<string, string>>> = {};
  const watch = (name: 'client' | 'server', socket: SimSocket<string, string>): void => {
    sockets[name] = socket;
    socket.onMessage = (text) => seen.push(`${name} got ${text}`);
    socket.onClose = (reason) => seen.push(`${name} closed: ${reason}`);
  };
  const [first, second] = one.nodes;
  if (first === undefined || second === undefined) throw new Error('no nodes');
  connections.listen(second, (socket) => watch('server', socket));
  connections.connect(first, second.name, (socket) => {
    if (socket !== null) watch('client', socket);
  });
  await one.run(one.simulation.nowUs / 1000 + 10);
  const { client, server } = sockets;
  if (client === undefined || server === undefined) throw new Error('not connected');
  return { client, server, seen };
}

test('a connection keeps the order and loses nothing, whatever the network does to datagrams', async () => {
  const one = world({
    lossPermille: 300,
    duplicatePermille: 500,
    slowPermille: 300,
    slowUsMax: 9000,
  });
  const { client, seen } = await connected(one);

  for (let place = 0; place < 50; place += 1) client.send(`m${place}`);
  await one.run(10_000);

  expect(seen).toEqual(Array.from({ length: 50 }, (_, place) => `server got m${place}`));
});

test('a short cut delays a connection, a long one breaks it at each end by itself', async () => {
  const one = world();
  const { client, server, seen } = await connected(one);
  const short = one.network.cut([{ from: 'n1', to: 'n2' }]);
  client.send('late');
  await one.run(500);
  expect(seen).toEqual([]);
  short.lift();
  await one.run(600);
  expect(seen).toEqual(['server got late']);

  one.network.cut([
    { from: 'n1', to: 'n2' },
    { from: 'n2', to: 'n1' },
  ]);
  client.send('lost');
  await one.run(1700);
  expect(seen).toEqual(['server got late', 'client closed: timed out']);
  expect(server.isOpen).toBe(true);

  server.send('to whom');
  await one.run(2800);
  expect(seen.at(-1)).toBe('server closed: timed out');
});

test('when a process dies, what it sent arrives, and then the other end is told', async () => {
  const one = world();
  const { client, seen } = await connected(one);
  client.send('last words');
  one.nodes[0]?.kill('test');
  client.send('from the grave');

  await one.run(one.simulation.nowUs / 1000 + 10);

  expect(seen).toEqual(['server got last words', 'server closed: the other end died']);
});

test('nobody to connect to is a refusal; a paused one is reached when it goes on', async () => {
  const one = world();
  const connections = new Connections<string, string>(one.network, {
    protocol: 's',
    describe: String,
  });
  const [first, , third] = one.nodes;
  if (first === undefined || third === undefined) throw new Error('no nodes');
  const outcomes: (object | null)[] = [];
  connections.connect(first, 'n9/sidecar', (socket) => outcomes.push(socket));
  await one.run(10);
  expect(outcomes).toEqual([null]);

  const got: string[] = [];
  connections.listen(third, (socket) => {
    socket.onMessage = (text) => got.push(text);
  });
  third.pause();
  connections.connect(first, third.name, (socket) => socket?.send('hello'));
  await one.run(20);
  expect(got).toEqual([]);
  third.resume();
  await one.run(30);
  expect(got).toEqual(['hello']);
});

test('each shape of partition blocks what it says, and a ring leaves everybody a majority (N1)', () => {
  const hosts = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const random = new SeededRandom(3);
  const hears = (shape: PartitionShape): number[] => {
    const blocked = partition({ shape, hosts, focus: 'n3', random });
    return hosts.map((host) => hosts.length - blocked.filter(({ to }) => to === host).length);
  };

  expect(hears('isolate')).toEqual([4, 4, 1, 4, 4]);
  expect(hears('bridge')).toEqual([3, 3, 5, 3, 3]);
  expect(hears('ring')).toEqual([3, 3, 3, 3, 3]);
  expect(hears('deaf')).toEqual([5, 5, 1, 5, 5]);
  expect(hears('mute')).toEqual([4, 4, 5, 4, 4]);
  expect(hears('one-way').toSorted()).toEqual([4, 5, 5, 5, 5]);
});
