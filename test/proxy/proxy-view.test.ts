import { expect, test } from 'vitest';
import { assert } from '../../base/assert.ts';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { NodeProxy } from '../../proxy/node-proxy.ts';
import { defaultProxyLimits } from '../../proxy/options.ts';
import { isSameView, type ProxyTarget, type ProxyView } from '../../proxy/proxy-api.ts';
import type { FromWorker, ToWorker } from '../../proxy/worker/worker-messages.ts';
import type { WorkerPoolOptions, Workers } from '../../proxy/worker-pool.ts';
import { nodeId } from '../../raft/core/types.ts';
import { FakeLeader } from './fake-leader.ts';

// Goal: what workers are told of views. Method: a platform whose workers only write down what they are told.

class ToldWorkers implements Workers {
  readonly told: ToWorker[] = [];
  readonly #options: WorkerPoolOptions;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get views(): readonly ProxyView[] {
    return this.told.flatMap((message) => (message.kind === 'view' ? [message.view] : []));
  }

  say(message: FromWorker): void {
    this.#options.onMessage(0, message);
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  post(_worker: number, message: ToWorker): void {
    this.told.push(message);
  }

  postAll(message: ToWorker): void {
    this.told.push(message);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }
}

const anyPort = { host: '127.0.0.1', port: 0 };
const local: ProxyTarget = { kind: 'local', port: 3306 };

function remote(id: string, port: number): ProxyTarget {
  return { kind: 'remote', nodeId: nodeId(id), host: `${id}.example`, port };
}

async function openProxy(): Promise<{ proxy: NodeProxy; workers: ToldWorkers }> {
  const opened: ToldWorkers[] = [];
  const createWorkers = (options: WorkerPoolOptions): ToldWorkers => {
    const created = new ToldWorkers(options);
    opened.push(created);
    return created;
  };
  const proxy = new NodeProxy(
    {
      addresses: {
        readWrite: anyPort,
        readOnly: anyPort,
        forwardReadWrite: anyPort,
        forwardReadOnly: anyPort,
      },
      host: new FakeLeader(),
      killConnections: () => Promise.resolve(),
      readMode: 'read-index',
      workers: 1,
      limits: defaultProxyLimits,
      reservedUsers: [],
      clock: new SystemClock(),
      logger: silentLogger,
    },
    { claimPorts: (addresses) => Promise.resolve(addresses), createWorkers },
  );
  await proxy.open();
  const [workers] = opened;
  assert(workers !== undefined, 'an open proxy has workers');
  return { proxy, workers };
}

test('workers hear of a view once, however often it is set', async () => {
  const { proxy, workers } = await openProxy();
  const nobody = { readWrite: null, readOnly: null };
  expect(workers.views).toEqual([nobody]);
  const toN1 = { readWrite: remote('n1', 1), readOnly: remote('n2', 2) };
  proxy.setView(toN1);
  proxy.setView({ readWrite: remote('n1', 1), readOnly: remote('n2', 2) });
  expect(workers.views).toEqual([nobody, toN1]);
  const toN2 = { ...toN1, readWrite: remote('n2', 1) };
  proxy.setView(toN2);
  expect(workers.views).toEqual([nobody, toN1, toN2]);
});

test('workers hear of the same view again when it gives the permission to read back', async () => {
  const { proxy, workers } = await openProxy();
  const view = { readWrite: null, readOnly: local };
  proxy.setView(view);
  const ended = proxy.endLocalReadOnlySessions();
  proxy.setView(view);
  expect(workers.views).toHaveLength(2);
  workers.say({ kind: 'read-only-ended' });
  await ended;
  proxy.setView(view);
  expect(workers.views).toHaveLength(3);
});

test.each<[string, ProxyTarget | null, ProxyTarget | null, boolean]>([
  ['nobody twice', null, null, true],
  ['nobody and here', null, local, false],
  ['here twice', local, { ...local }, true],
  ['here on another port', local, { kind: 'local', port: 3307 }, false],
  ['here and there', local, remote('n1', 3306), false],
  ['there twice', remote('n1', 1), remote('n1', 1), true],
  ['there on another port', remote('n1', 1), remote('n1', 2), false],
  ['two nodes', remote('n1', 1), remote('n2', 1), false],
  ['a removed node twice', { kind: 'removed' }, { kind: 'removed' }, true],
  ['a removed node and nobody', { kind: 'removed' }, null, false],
])('views of %s: equal or not', (_name, left, right, isSame) => {
  expect(
    isSameView({ readWrite: left, readOnly: null }, { readWrite: right, readOnly: null }),
  ).toBe(isSame);
  expect(
    isSameView({ readWrite: null, readOnly: left }, { readWrite: null, readOnly: right }),
  ).toBe(isSame);
});
