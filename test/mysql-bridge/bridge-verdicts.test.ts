import { expect, test } from 'vitest';
import { MySqlServerError } from '../../mysql-bridge/server/errors.ts';
import { settle } from './bridge-fakes.ts';
import { opened, primary, replica, TestNode } from './test-bridge.ts';

// What becomes of a server that must never run again. Goal: the verdict outlives the node (G2, G5). Method: a bridge whose
// server keeps its mark as a data folder does.

const uuid = '83e5dba5-e55d-11f1-b697-02fc00000001';
const errantOfOne = `errant transactions: ${uuid}:1 executed here, not in the log`;
const mark = { reason: 'errant transactions: u:7', gtids: 'u:7', atMs: 5 };

test('a verdict is on disk, with its reason and transactions, before the server is rebuilt (G2, G5)', async () => {
  await using node = await replica();
  const { admin, server, calls } = node.world;
  admin.executed = `${uuid}:1`;
  const written = Promise.withResolvers<void>();
  const condemn = server.condemn.bind(server);
  server.condemn = (condemnation) => written.promise.then(() => condemn(condemnation));

  await node.pass(400);
  const whileWriting = calls.taken();
  const { state, reason } = node.bridge.status;
  const marks: unknown[] = [];
  const rebuild = server.rebuild.bind(server);
  server.rebuild = () => {
    marks.push(server.mark);
    admin.executed = '';
    return rebuild();
  };
  written.resolve();
  await settle();

  expect(whileWriting).toContain('kill');
  expect(whileWriting).not.toContain('rebuild');
  expect([state.kind, reason]).toEqual(['condemning', errantOfOne]);
  expect(marks).toEqual([{ reason: errantOfOne, gtids: `${uuid}:1`, atMs: expect.any(Number) }]);
  expect(calls.list.slice(0, 2)).toEqual(['condemn', 'rebuild']);
});

test.each([
  ['primary', primary],
  ['replica', replica],
] as const)(
  'a %s on which a session turned its binlog off stops serving, and is marked before it is rebuilt (G2, H10)',
  async (role, started) => {
    await using node = await started();
    const { admin, calls, server } = node.world;
    admin.traces = [
      { text: 'SET sql_log_bin = 0', program: null, account: 'root@localhost', at: null },
    ];
    const marks: (string | undefined)[] = [];
    const rebuild = server.rebuild.bind(server);
    server.rebuild = () => {
      marks.push(server.mark?.reason);
      return rebuild();
    };
    calls.taken();

    await node.pass(400);

    const order = ['not-electable', 'close-gate', 'stop-acks', 'abdicate', 'kill', 'rebuild'];
    const expected = role === 'primary' ? order : order.filter((call) => call !== 'abdicate');
    const seen = calls.list.filter((call) => order.includes(call));
    expect(seen.slice(0, expected.length)).toEqual(expected);
    expect(marks).toEqual([expect.stringContaining('SET sql_log_bin = 0, by root@localhost')]);
  },
);

test('a node that finds its server condemned rebuilds it before it cuts or starts anything, and says why (G2, G5)', async () => {
  const node = new TestNode();
  node.world.server.mark = mark;
  const rebuilding = Promise.withResolvers<void>();
  const rebuild = node.world.server.rebuild.bind(node.world.server);
  node.world.server.rebuild = () => rebuilding.promise.then(rebuild);
  await node.bridge.open();

  node.world.follow(2);
  await settle();
  const { state, reason } = node.bridge.status;
  rebuilding.resolve();
  await settle();

  expect([state.kind, reason]).toEqual(['rebuilding', mark.reason]);
  expect(node.world.calls.taken().slice(0, 5)).toEqual([
    'prepare',
    'not-electable',
    'rebuild',
    'electable',
    'cut',
  ]);
  expect(node.bridge.status.state.kind).toBe('replica');
  await node.bridge.close();
});

test('a data folder that is put back with its mark while the node runs is rebuilt, not started on (G5)', async () => {
  await using node = await opened();
  const { server, calls } = node.world;
  server.mark = mark;
  const start = server.start.bind(server);
  server.start = () =>
    server.mark === null
      ? start()
      : Promise.reject(new MySqlServerError('MYSQL_SERVER_CONDEMNED', mark.reason));

  node.world.follow(2);
  await settle();

  expect(calls.list.filter((call) => ['start', 'rebuild'].includes(call))).toEqual([
    'rebuild',
    'start',
  ]);
});

test('a mark that cannot be written is tried again, and the server stays down meanwhile', async () => {
  await using node = await replica();
  node.world.calls.fail('condemn', new Error('ENOSPC: no space left'));
  node.world.admin.executed = `${uuid}:1`;
  await node.pass(3000);
  const failing = node.world.calls.taken();
  const { reason } = node.bridge.status;

  node.world.calls.mend('condemn');
  node.world.admin.executed = '';
  await node.pass(1500);

  expect(failing.filter((call) => call === 'condemn').length).toBeGreaterThan(1);
  expect(failing.filter((call) => ['start', 'cut', 'rebuild'].includes(call))).toEqual([]);
  expect(reason).toContain('the mark is not durable: ENOSPC');
  expect(node.world.calls.list.slice(0, 2)).toEqual(['condemn', 'rebuild']);
});

test('a node does not end in good order before its verdict is on disk, however late it was found (G2)', async () => {
  const unwritten = await replica();
  const late = await replica();
  unwritten.world.calls.fail('condemn', new Error('EIO'));
  unwritten.world.admin.executed = `${uuid}:1`;
  await unwritten.pass(200);
  const { tail } = late.world;
  const stop = late.world.server.stop.bind(late.world.server);
  late.world.server.stop = () => {
    tail.reused({ serverUuid: uuid, tag: '', number: 3n });
    return stop();
  };

  await expect(unwritten.bridge.close()).rejects.toMatchObject({
    code: 'MYSQL_CONDEMN_FAILED',
    message: expect.stringContaining(errantOfOne),
  });
  await late.bridge.close();

  expect(late.world.server.mark).toMatchObject({ gtids: `${uuid}:3` });
});

test('a stopping primary that turns out to hand out GTIDs again is killed, not stopped politely (G2, H2)', async () => {
  const node = await primary();
  const { gate, tail, calls } = node.world;
  gate.holdStatements = () => {
    tail.reused({ serverUuid: uuid, tag: '', number: 3n });
    return Promise.resolve({ kind: 'quiet' });
  };
  calls.taken();

  await node.bridge.close();

  expect(calls.list).not.toContain('polite-stop');
  expect(node.world.server.mark).toMatchObject({ gtids: `${uuid}:3` });
});
