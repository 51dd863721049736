import { expect, test } from 'vitest';
import { term } from '../../raft/core/types.ts';
import { RealBridge } from './real-bridge.ts';
import { executedOn, farFile, rogueComesAndGoes } from './rogue-replica-support.ts';
import { until } from './source-support.ts';

// Acks of a second replica, and what a bridge with a real mysqld and its real monitor makes of them. HAZARDS G2, H11.

test('a commit that another replica let through, gone before the next look, is found by that look; the server is built anew (G2, H11)', async () => {
  await using node = await RealBridge.primary();
  const writer = await node.mysql.connect();
  await node.committing(() =>
    writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)'),
  );
  node.clock.hold();
  await until(() => Promise.resolve(node.clock.waiting === 1));

  await rogueComesAndGoes(node.mysql, farFile);
  await writer.query('INSERT INTO d.t VALUES (1)');
  await node.inLog(4);
  const stateBefore = node.bridge.state.kind;
  node.clock.release();
  await node.was('rebuilding');
  await node.was('undecided');

  const reason = expect.stringMatching(/:3 is committed, and no ack was sent for it/);
  expect(stateBefore).toBe('primary');
  expect(node.closed).toContainEqual(reason);
  expect(node.states).toContainEqual({ kind: 'rebuilding', reason });
  expect(await node.mysql.server.condemnation()).toBe(null);
});

test('in one life of a server that leads, hands over, follows and leads again nothing is taken for a bypass (G2)', async () => {
  await using node = await RealBridge.primary();
  node.clock.hurry();
  const pid = node.mysql.server.pid;
  const writer = await node.mysql.connect();
  await node.committing(async () => {
    await writer.query('CREATE DATABASE d; CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)');
    await node.insert(100);
  });

  const outcome = node.bridge.transfer(null);
  await node.was('handing-over');
  node.raft.change({
    role: 'follower',
    term: term(node.raft.status.term + 1),
    leaderReadyIndex: null,
  });
  await node.was('replica');
  node.lead();
  await node.was('primary');
  await node.committing(() => node.insert(100));
  const executed = await executedOn(writer);
  await until(() => Promise.resolve(node.bridge.status.gtidExecuted === executed.toString()));

  expect(await outcome).toMatchObject({ outcome: 'handed-over' });
  expect(node.mysql.server.pid).toBe(pid);
  expect(node.bridge.state.kind).toBe('primary');
  expect(node.states.map(({ kind }) => kind)).not.toContain('fencing');
});
