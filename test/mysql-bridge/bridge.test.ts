import { expect, onTestFinished, test, vi } from 'vitest';
import { AssertionFailure } from '../../base/assert.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { type LogIndex, logIndex } from '../../raft/core/types.ts';
import { NotLeaderError } from '../../raft/errors.ts';
import { settle } from './bridge-fakes.ts';
import { opened, primary, replica } from './test-bridge.ts';

const uuid = '83e5dba5-e55d-11f1-b697-02fc00000001';

test('no server starts before the log has decided; then cut, start, connect, attach, follow, in this order', async () => {
  await using node = await opened();
  const undecided = node.world.calls.taken();

  node.world.follow(2);
  await settle();

  expect(undecided).toEqual(['prepare']);
  expect(node.world.calls.taken()).toEqual([
    'cut',
    'start',
    'connect',
    'attach',
    'flush-replica',
    'events-off',
    'follow',
  ]);
  expect(node.bridge.status.state.kind).toBe('replica');
});

test('a leader starts no server while its log holds what an earlier life of it proposed (G5, H4)', async () => {
  await using node = await opened();
  node.world.calls.taken();

  node.world.raft.change({ lastIndex: logIndex(2), commitIndex: logIndex(1) });
  node.world.lead(2);
  await settle();
  const undecided = node.world.calls.taken();
  node.world.raft.change({ commitIndex: logIndex(2) });
  await settle();

  expect(undecided).toEqual([]);
  expect(node.world.calls.taken().slice(0, 2)).toEqual(['cut', 'start']);
});

test('a promotion proposes before it is writable, and opens the gate last', async () => {
  await using node = await primary();

  expect(node.world.calls.taken()).toEqual([
    'end-read-only',
    'stop-following',
    'flush-primary',
    'propose-in-3',
    'writable',
    'events-on',
    'open-gate-3',
  ]);
});

test('a deposed primary closes its gate and stops acks within the call that says so (G7, H16)', async () => {
  await using node = await primary();
  node.world.calls.taken();

  node.world.follow(4);
  const atOnce = node.world.calls.taken();
  await settle();

  expect(atOnce).toEqual(['close-gate', 'stop-acks']);
  expect(node.world.calls.taken().slice(0, 4)).toEqual([
    'tail-closed',
    'admin-closed',
    'kill',
    'cut',
  ]);
});

test('leadership lost while the server is being made writable kills it, and opens no gate', async () => {
  await using node = await replica();
  const { promise, resolve } = Promise.withResolvers<void>();
  node.world.admin.setWritable = () => promise;
  node.world.lead(3);
  await settle();

  node.world.follow(4);
  resolve();
  await settle();

  const calls = node.world.calls.taken();
  expect(calls).toContain('kill');
  expect(calls.filter((call) => call.startsWith('open-gate'))).toEqual([]);
  expect(node.bridge.status.state.kind).toBe('replica');
});

test('a server that lacks something committed is not made writable (G3)', async () => {
  await using node = await replica();
  node.world.ledger.committed = GtidSet.parse(`${uuid}:1-5`);
  node.world.admin.executed = `${uuid}:1-4`;

  node.world.lead(3);
  await settle();

  expect(node.world.calls.taken()).not.toContain('writable');
});

test('a server that starts says what it has executed no later than how far it applied the log', async () => {
  await using node = await opened();
  node.world.ledger.committed = GtidSet.parse(`${uuid}:1-5`);
  node.world.admin.executed = `${uuid}:1-5`;
  const executedWhenApplied: string[] = [];
  node.world.raft.setApplied = (): void => {
    executedWhenApplied.push(node.bridge.status.gtidExecuted);
  };

  node.world.follow(2);
  await settle();

  expect(executedWhenApplied).toEqual([`${uuid}:1-5`]);
});

test('a server built anew has applied nothing yet, whatever the one before it had (G5)', async () => {
  await using node = await opened();
  const { world, bridge } = node;
  world.ledger.indexOfApplied = (executed) => Promise.resolve(logIndex(Number(executed.count)));
  world.ledger.committed = GtidSet.parse(`${uuid}:1-5`);
  world.admin.executed = `${uuid}:1-5`;
  world.follow(2);
  await settle();
  const before = bridge.status;

  world.admin.executed = '';
  world.clock.advance(200);
  await settle();
  const after = bridge.status;

  expect([before.appliedIndex, before.gtidExecuted]).toEqual([5, `${uuid}:1-5`]);
  expect([after.state.kind, after.appliedIndex, after.gtidExecuted]).toEqual(['replica', 0, '']);
});

test('what a server executed and the log here has not heard of waits for a leader before it is called errant (G5)', async () => {
  await using node = await opened();
  const { ledger, raft, admin, calls } = node.world;
  ledger.committed = GtidSet.parse(`${uuid}:1-4`);
  admin.executed = `${uuid}:1-5`;
  const answer = Promise.withResolvers<LogIndex>();
  let asked = 0;
  raft.readIndexOfLeader = (): Promise<LogIndex> => {
    asked += 1;
    return asked === 1 ? Promise.reject(new NotLeaderError(null)) : answer.promise;
  };

  node.world.follow(2);
  await settle();
  await node.pass(50);
  const whileUnknown = node.bridge.status.state.kind;
  ledger.committed = GtidSet.parse(`${uuid}:1-5`);
  answer.resolve(logIndex(5));
  await settle();

  expect(whileUnknown).toBe('starting');
  expect(calls.list).not.toContain('rebuild');
  expect(node.bridge.status.state.kind).toBe('replica');
});

test('what a leader does not know either is errant at a start, and the server is rebuilt (G5)', async () => {
  await using node = await opened();
  node.world.admin.executed = `${uuid}:1-5`;

  node.world.follow(2);
  await settle();

  expect(node.world.calls.list).toContain('rebuild');
});

test('a transaction that the log does not hold makes the node rebuild its server (G5)', async () => {
  await using node = await replica();
  node.world.admin.executed = `${uuid}:1`;

  await node.pass(200);

  expect(node.world.calls.list).toContain('not-electable');
  expect(node.world.calls.list).toContain('rebuild');
});

test('GTIDs that vanish from a running server make the node rebuild it (G6, N8)', async () => {
  await using node = await replica();
  node.world.ledger.committed = GtidSet.parse(`${uuid}:1-5`);
  node.world.admin.executed = `${uuid}:1-5`;
  await node.pass(200);
  const before = node.world.calls.taken();

  node.world.admin.executed = '';
  await node.pass(200);

  expect(before).not.toContain('rebuild');
  expect(node.world.calls.list).toContain('rebuild');
});

test('a gap in what a server has executed, seen three times, makes the node rebuild it (G6, N8)', async () => {
  await using node = await replica();
  const { ledger, calls } = node.world;
  calls.taken();
  ledger.missing = { gtid: { serverUuid: uuid, tag: '', number: 2n }, isGap: true };
  await node.pass(400);
  ledger.missing = { gtid: { serverUuid: uuid, tag: '', number: 7n }, isGap: true };
  await node.pass(400);
  const before = calls.taken();
  await node.pass(200);

  expect(before).not.toContain('rebuild');
  expect(calls.list).toContain('rebuild');
});

test('a replica that has not executed the end of the log is let be, whatever its binlog', async () => {
  await using node = await replica();
  const { ledger, tail, calls } = node.world;
  calls.taken();
  ledger.missing = { gtid: { serverUuid: uuid, tag: '', number: 2n }, isGap: false };
  tail.receivedEnd = { file: 'binlog.000001', offset: 900n };
  await node.pass(2000);

  expect(calls.list).toEqual([]);
});

test('a primary that misses what it committed is rebuilt if its binlog ends in front of what it sent, and let be if it does not (G6, N8)', async () => {
  await using node = await primary();
  const { ledger, tail, admin, calls } = node.world;
  calls.taken();
  ledger.missing = { gtid: { serverUuid: uuid, tag: '', number: 2n }, isGap: false };
  tail.receivedEnd = { file: 'binlog.000001', offset: 900n };
  admin.end = { file: 'binlog.000002', offset: 158n };
  await node.pass(2000);
  const whileSlow = calls.taken();
  admin.end = { file: 'binlog.000001', offset: 436n };
  await node.pass(600);

  expect(whileSlow).toEqual([]);
  expect(calls.list).toContain('rebuild');
});

test('a bypassed commit gate closes the gate to clients, then drains, then rebuilds (G2, G3, H9)', async () => {
  await using node = await primary();
  node.world.calls.taken();
  node.world.ledger.committed = GtidSet.parse(`${uuid}:1-5`);
  node.world.admin.executed = `${uuid}:1-6`;
  node.world.admin.gateFaults = ['status is OFF'];

  await node.pass(200);
  const first = node.world.calls.taken();
  node.world.ledger.committed = GtidSet.parse(`${uuid}:1-6`);
  await node.pass(200);

  expect(first).toEqual(['close-gate']);
  expect(node.world.calls.list.slice(0, 2)).toEqual(['not-electable', 'close-gate']);
  expect(node.world.calls.list).toContain('rebuild');
});

test('a bypass is not forgotten when leadership ends while what was answered gets its chance to commit (G2, H9)', async () => {
  await using node = await primary();
  node.world.calls.taken();
  node.world.admin.gateFaults = ['status is OFF'];
  // In the engine, and not in the log: of a leader that is cut off, it never will be.
  node.world.admin.executed = `${uuid}:6`;
  await node.pass(400);
  const draining = node.world.calls.taken();

  node.world.follow(4);
  await node.pass(2000);

  expect(draining).toContain('close-gate');
  expect(draining).not.toContain('condemn');
  expect(node.world.calls.list).toContain('condemn');
  expect(node.world.calls.list).toContain('rebuild');
  // The cut would take the commit out of the binlog and leave its row.
  expect(node.world.calls.list.filter((call) => call === 'cut' || call === 'rebuild')[0]).toBe(
    'rebuild',
  );
});

test('a commit that no ack of ours has covered is a bypassed gate, though nothing that is counted shows it (G2, H11)', async () => {
  await using node = await primary();
  const gtid = { serverUuid: uuid, tag: '', number: 6n };
  node.world.tail.unacked = [gtid];
  node.world.ledger.committed = GtidSet.parse(`${uuid}:1-6`);
  await node.pass(400);
  const before = node.world.calls.taken();

  node.world.admin.executed = `${uuid}:1-6`;
  await node.pass(400);

  expect(before).not.toContain('close-gate');
  expect(node.world.calls.list).toContain('close-gate');
  expect(node.world.calls.list).toContain('rebuild');
});

test('an errant write that waits for its ack is killed and cut; one that got past is rebuilt away (G2, G5)', async () => {
  await using waiting = await replica();
  await using passed = await replica();
  passed.world.admin.executed = `${uuid}:7`;

  for (const { world } of [waiting, passed]) {
    world.calls.taken();
    world.tail.errant({ serverUuid: uuid, tag: '', number: 7n });
  }
  await settle();

  expect(waiting.world.calls.list).toEqual(expect.arrayContaining(['kill', 'cut', 'follow']));
  expect(waiting.world.calls.list).not.toContain('rebuild');
  expect(passed.world.calls.list).toContain('rebuild');
});

test('an errant write that comes just before a server is made writable fences it, and its node lives on (H10)', async () => {
  await using node = await replica();
  node.world.admin.semisyncFaults = () => {
    node.world.tail.isShut = true;
    node.world.tail.errant({ serverUuid: uuid, tag: '', number: 7n });
    return Promise.resolve([]);
  };

  node.world.lead(3);
  await settle();
  await node.pass(400);

  expect(node.world.calls.list).not.toContain('propose-in-3');
  expect(node.world.calls.list).not.toContain('open-gate');
  expect(node.world.calls.list).toEqual(expect.arrayContaining(['abdicate', 'kill', 'cut']));
});

test('an errant write that waits for its ack is no pardon for what its server wrote without a binlog before (G2, G5)', async () => {
  await using node = await replica();
  node.world.calls.taken();
  node.world.admin.traces = [
    { text: 'SET sql_log_bin = 0', program: null, account: 'admin@localhost', at: null },
  ];

  node.world.tail.errant({ serverUuid: uuid, tag: '', number: 7n });
  await settle();

  expect(node.world.calls.list).toContain('condemn');
  expect(node.world.calls.list).toContain('rebuild');
});

test.for(['primary', 'replica'] as const)(
  'a %s whose server hands out a GTID of the log again is rebuilt: a cut would take it for the other (G6, H10)',
  async (role) => {
    await using node = role === 'primary' ? await primary() : await replica();
    const gtid = { serverUuid: uuid, tag: '', number: 3n };
    node.world.ledger.committed = GtidSet.of(gtid);
    node.world.admin.executed = `${uuid}:3`;
    node.world.calls.taken();

    if (role === 'primary') node.world.tail.reused(gtid);
    else node.world.tail.errant(gtid);
    await settle();

    expect(node.world.calls.list).toEqual(expect.arrayContaining(['kill', 'rebuild']));
  },
);

test('an applier that meets the same obstacle twice is rebuilt; a replica that was only stopped never is', async () => {
  await using broken = await replica();
  await using stopped = await replica();

  for (const [node, fault] of [
    [broken, 'applier stopped: 1062 duplicate entry'],
    [stopped, 'applier stopped'],
  ] as const) {
    for (let life = 0; life < 3; life += 1) {
      node.world.admin.replica = [fault];
      await node.pass(200 * 35);
    }
  }

  expect(broken.world.calls.list).toContain('rebuild');
  expect(stopped.world.calls.list).toContain('kill');
  expect(stopped.world.calls.list).not.toContain('rebuild');
});

test('a leader whose replication stands still while it catches up gives leadership away (C10)', async () => {
  await using node = await replica();
  node.world.admin.waitForExecuted = () => node.world.clock.delay(250).then(() => false);
  node.world.lead(3);
  await settle();
  node.world.admin.replica = ['receiver stopped'];

  await node.pass(200 * 35);

  expect(node.world.calls.list).toContain('abdicate');
  expect(node.world.calls.list).toContain('kill');
});

test('a primary whose disk takes no write gives leadership away and kills its server; a replica only says so (N7)', async () => {
  await using node = await replica();
  node.world.server.disk = 'the disk is full';
  await node.pass(1000);
  const asReplica = node.world.calls.taken();
  const { complaints } = node.bridge.status;
  node.world.server.disk = null;
  await node.pass(1000);
  node.world.lead(3);
  await settle();

  node.world.server.disk = 'the disk is full';
  await node.pass(1000);

  expect(asReplica).not.toContain('kill');
  expect(complaints).toEqual(['the disk is full']);
  const calls = node.world.calls.taken();
  const fenced = calls.slice(calls.indexOf('close-gate'));
  expect(fenced.slice(0, 3)).toEqual(['close-gate', 'stop-acks', 'abdicate']);
  expect(fenced).toContain('kill');
});

test('a planned transfer that is blocked goes on as before, and names the session', async () => {
  await using node = await primary();
  node.world.gate.blockedBy = 'app';
  node.world.calls.taken();

  const outcome = await node.bridge.transfer(null);
  await settle();

  expect(outcome).toMatchObject({ outcome: 'aborted', reason: expect.stringContaining('app@') });
  expect(node.world.calls.taken()).toEqual(['hold', 'writable', 'events-on', 'release-aborted']);
  expect(node.bridge.status.state.kind).toBe('primary');
});

test('a planned transfer makes the server read-only, hands over, and follows without a restart', async () => {
  await using node = await primary();
  node.world.calls.taken();

  const transfer = node.bridge.transfer(null);
  await settle();
  node.world.follow(4);
  await settle();

  expect(await transfer).toMatchObject({ outcome: 'handed-over' });
  expect(node.world.calls.taken()).toEqual([
    'hold',
    'events-off',
    'read-only',
    'transfer',
    'close-gate',
    'stop-acks',
    'release-handed-over',
    'flush-replica',
    'events-off',
    'follow',
  ]);
});

test('a stopping primary ends politely only when it was made read-only with nothing un-acked (H2)', async () => {
  const quiet = await primary();
  const waiting = await primary();
  waiting.world.tail.unackedCount = 1;

  for (const { world, bridge } of [quiet, waiting]) {
    world.calls.taken();
    await bridge.close();
  }

  expect(quiet.world.calls.list).toEqual([
    'hold',
    'read-only',
    'close-gate',
    'stop-acks',
    'tail-closed',
    'admin-closed',
    'polite-stop',
    'kill',
  ]);
  expect(waiting.world.calls.list).not.toContain('polite-stop');
  expect(waiting.world.calls.list).toContain('kill');
});

test('a start that fails is tried again, and nothing is left unhandled', async () => {
  await using node = await opened();
  node.world.calls.fail('connect');
  node.world.follow(2);
  await settle();

  await node.pass(1000);

  expect(node.world.calls.list.filter((call) => call === 'start').length).toBeGreaterThan(1);
});

test('a broken invariant in a role task is no failure to try again: it leaves the bridge uncaught', async () => {
  const uncaught: (() => void)[] = [];
  const queued = vi.spyOn(globalThis, 'queueMicrotask');
  queued.mockImplementation((callback) => uncaught.push(callback));
  onTestFinished(() => queued.mockRestore());
  await using node = await opened();
  node.world.calls.fail('connect', new AssertionFailure('a tail proposes after it guarded'));
  node.world.follow(2);
  await settle();

  expect(uncaught.length).toBeGreaterThan(0);
  expect(uncaught[0]).toThrow('a tail proposes after it guarded');
});
