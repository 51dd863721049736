import { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localPorts } from '../../cli/local-cluster.ts';
import { type ChildMessage, NodeChild } from '../../cli/node-child.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A process that lives and dies as a test says. */
class FakeProcess extends ChildProcess {
  override readonly connected = true;
  readonly sent: unknown[] = [];
  readonly signals: unknown[] = [];

  override send(message: unknown): boolean {
    this.sent.push(message);
    return true;
  }

  override kill(signal?: NodeJS.Signals | number): boolean {
    this.signals.push(signal);
    this.emit('exit', null, signal);
    return true;
  }

  says(message: ChildMessage): void {
    this.emit('message', message);
  }

  dies(status = 1): void {
    this.emit('exit', status, null);
  }
}

function supervised(): {
  readonly child: NodeChild;
  readonly clock: FakeClock;
  readonly processes: FakeProcess[];
  readonly told: string[];
} & Disposable {
  const folder = temporaryFolder();
  const clock = new FakeClock();
  const processes: FakeProcess[] = [];
  const told: string[] = [];
  const node = {
    id: 'n1',
    ports: localPorts(7000, 1),
    configPath: join(folder.path, 'node.yaml'),
    logPath: join(folder.path, 'node.log'),
  };
  const events = {
    onProgress: (_: unknown, text: string) => told.push(`progress: ${text}`),
    onFatal: (_: unknown, code: string, message: string) => told.push(`fatal: ${code}: ${message}`),
    onRestart: (_: unknown, why: string) => told.push(`restart: ${why}`),
    onReturn: () => told.push('return'),
  };
  const child = new NodeChild(node, clock, events, () => {
    const process = new FakeProcess();
    processes.push(process);
    return process;
  });
  child.start();
  return { child, clock, processes, told, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** Lets time pass, and then what waited for it. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms);
  await new Promise(setImmediate);
}

test('a node that died is started again, and its return is told', async () => {
  using node = supervised();
  node.processes[0]?.dies(1);
  await pass(node.clock, 199);
  expect(node.processes).toHaveLength(1);
  await pass(node.clock, 1);
  expect(node.processes).toHaveLength(2);
  node.processes[1]?.says({ kind: 'open' });
  expect(node.told).toEqual(['restart: exit status 1', 'return']);
});

test('quick deaths make the pauses grow, a healthy run makes them short again', async () => {
  using node = supervised();
  for (const pauseMs of [200, 400, 800]) {
    node.processes.at(-1)?.dies();
    await pass(node.clock, pauseMs - 1);
    const before = node.processes.length;
    await pass(node.clock, 1);
    expect(node.processes).toHaveLength(before + 1);
  }
  await pass(node.clock, 60_000);
  node.processes.at(-1)?.dies();
  await pass(node.clock, 200);
  expect(node.processes).toHaveLength(5);
  node.processes.at(-1)?.dies();
  await pass(node.clock, 200);
  expect(node.processes).toHaveLength(5);
  await pass(node.clock, 200);
  expect(node.processes).toHaveLength(6);
});

test('a reason that does not pass by itself keeps a node down', async () => {
  using node = supervised();
  node.processes[0]?.says({ kind: 'fatal', code: 'DATA_FOREIGN', message: 'not ours' });
  node.processes[0]?.dies(12);
  await pass(node.clock, 60_000);
  expect(node.processes).toHaveLength(1);
  expect(node.child.isGivenUp).toBe(true);
  expect(node.told).toEqual(['fatal: DATA_FOREIGN: not ours']);
});

test('a node that could not tell its reason is judged by its exit status', async () => {
  using node = supervised();
  node.processes[0]?.dies(10);
  await pass(node.clock, 60_000);
  expect(node.processes).toHaveLength(1);
  expect(node.told).toEqual([expect.stringMatching(/^fatal: CONFIG_INVALID: see .*node\.log$/)]);
});

test('a reason that may pass is tried again, and told', async () => {
  using node = supervised();
  node.processes[0]?.says({ kind: 'fatal', code: 'DATA_IN_USE', message: 'held by another' });
  node.processes[0]?.dies(13);
  await pass(node.clock, 200);
  expect(node.processes).toHaveLength(2);
  expect(node.child.isGivenUp).toBe(false);
  expect(node.told).toEqual(['restart: exit status 13: held by another']);
});

test('a taken port keeps a node down that never had it, and no other', async () => {
  using fresh = supervised();
  using used = supervised();
  used.processes[0]?.says({ kind: 'open' });
  used.processes[0]?.dies();
  await pass(used.clock, 200);

  for (const { processes, clock } of [fresh, used]) {
    processes.at(-1)?.says({ kind: 'fatal', code: 'PORT_TAKEN', message: 'port 7101 is taken' });
    processes.at(-1)?.dies(11);
    await pass(clock, 400);
  }

  expect([fresh.child.isGivenUp, fresh.processes.length]).toEqual([true, 1]);
  expect([used.child.isGivenUp, used.processes.length]).toEqual([false, 3]);
});

test('a node that ends when it is asked to is not started again', async () => {
  using node = supervised();
  const stopped = node.child.stop(8000);
  expect(node.processes[0]?.sent).toEqual([{ kind: 'stop-cluster' }]);
  node.processes[0]?.dies(0);
  await stopped;
  await pass(node.clock, 60_000);
  expect(node.processes).toHaveLength(1);
  expect(node.processes[0]?.signals).toEqual([]);
});

test('a node that does not end in time is killed', async () => {
  using node = supervised();
  const stopped = node.child.stop(8000);
  await pass(node.clock, 8000);
  await stopped;
  expect(node.processes[0]?.signals).toEqual(['SIGKILL']);
});

test('a node that waits to be started again is not, once all stop', async () => {
  using node = supervised();
  node.processes[0]?.dies();
  await node.child.stop(8000);
  await pass(node.clock, 60_000);
  expect(node.processes).toHaveLength(1);
});
