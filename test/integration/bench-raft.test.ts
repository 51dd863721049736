import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import type { Sample } from '../../bench/core/sample.ts';
import { grownTurn } from '../../bench/growth-turn.ts';
import { putTurn } from '../../bench/put-turn.ts';
import { startEtcd } from '../../bench/systems/etcd.ts';
import type { PutTurn, StartPutSystem } from '../../bench/systems/put-system.ts';
import { startRaftGroup } from '../../bench/systems/raft-group.ts';
import { findTools, type Tools } from '../../bench/tools.ts';
import { deathLauncher } from '../../mysql-bridge/server/launcher.ts';
import { lowPorts } from '../support/low-port.ts';
import { processesNaming } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// Goal: raft alone can be compared on this machine. Method: one short turn of each side, on real processes.

const programs = ['/usr/bin/etcd', '/usr/local/bin/etcd'];
const hasEtcd = programs.some((path) => existsSync(path));

test('three members of our Raft, processes of their own, take puts and are gone afterwards', async () => {
  await expectPuts(startRaftGroup);
});

test.skipIf(!hasEtcd)('so do three members of etcd, from the same client', async () => {
  await expectPuts(startEtcd);
});

test('a log that was filled is started anew and takes puts, and its start, its memory and its work are told', async () => {
  using folder = temporaryFolder();
  const samples: Sample[] = [];
  const turn = await turnIn(folder.path, samples);

  await grownTurn(turn, {
    members: 3,
    entries: 2000,
    seconds: 1,
    valueBytes: 512,
    warmUp: { clients: 4, seconds: 0.2 },
  });

  expect(samples).toMatchObject([{ measure: 'put after a start', x: 16 }]);
  const metrics: Sample['metrics'] = samples[0]?.metrics ?? {};
  for (const name of [
    'throughput',
    'startMs',
    'memoryMiB',
    'cpuMicroseconds',
    'writtenKiB',
  ] as const) {
    expect(metrics[name]).toBeGreaterThan(0);
  }
});

async function expectPuts(start: StartPutSystem): Promise<void> {
  using folder = temporaryFolder();
  const samples: Sample[] = [];
  const turn = await turnIn(folder.path, samples);

  await putTurn(turn, start, {
    clients: [1],
    seconds: 1,
    valueBytes: 512,
    warmUp: [{ clients: 4, seconds: 0.2 }],
  });

  expect(samples).toMatchObject([{ measure: 'put', x: 1 }]);
  expect(samples[0]?.metrics.throughput).toBeGreaterThan(0);
  expect(samples[0]?.distribution.length).toBeGreaterThan(0);
  expect(processesNaming(folder.path).filter((pid) => pid !== process.pid)).toEqual([]);
}

async function turnIn(folder: string, samples: Sample[]): Promise<PutTurn> {
  const ports = await lowPorts(6);
  return {
    clock: new SystemClock(),
    launcher: await deathLauncher(),
    tools: await toolsHere(),
    ports: {
      binraftBase: 0,
      frontEnd: 0,
      server: (number) => ({
        mysql: ports[number - 1] ?? 0,
        admin: 0,
        group: ports[number + 2] ?? 0,
      }),
    },
    round: 1,
    folder,
    signal: new AbortController().signal,
    record: (sample) => samples.push(sample),
    note: () => undefined,
    doing: () => undefined,
  };
}

async function toolsHere(): Promise<Tools> {
  return await findTools(hasEtcd ? ['etcd'] : [], {
    machine: { platform: 'linux', architecture: 'amd64', family: null, codename: '' },
    cacheDirectory: '',
    searchPath: process.env['PATH'] ?? '',
    clock: new SystemClock(),
    logger: silentLogger,
  });
}
