import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { portsUsed } from '../../bench/ports.ts';
import { checkPortsFree } from '../../cli/ports.ts';
import { eventually } from '../support/eventually.ts';
import { processesNaming } from '../support/processes.ts';
import { findSysbench } from '../support/sysbench.ts';

const program = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));
/** Beside the benchmark's own folder, not in /tmp, which may be in memory: that is refused. */
const work = fileURLToPath(new URL('../../bench/work', import.meta.url));
const basePort = '31000';
/** Half a minute on an idle machine; a busy one may take several times as long. */
const timeoutMs = 300_000;
let folder = '';

beforeAll(() => {
  mkdirSync(work, { recursive: true });
  folder = mkdtempSync(join(work, 'test-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(findSysbench() === null)(
  'commits of this project and of a single server are compared, and nothing is left behind',
  async () => {
    const ended = await bench(['--peers', 'single', '--rounds', '1', '--seconds', '3']);

    expect(ended).toMatchObject({ status: 0 });
    const results = join(folder, 'results');
    const { samples, failures } = JSON.parse(readFileSync(join(results, 'commit.json'), 'utf8'));
    expect(failures).toEqual([]);
    const measured = samples.map((sample: { contender: string; measure: string }) =>
      [sample.contender, sample.measure].join(' '),
    );
    expect(measured).toEqual(
      ['binraft', 'single'].flatMap((contender) =>
        ['oltp_insert', 'oltp_update_non_index', 'oltp_read_write'].map(
          (measure) => `${contender} ${measure}`,
        ),
      ),
    );
    for (const sample of samples) expect(sample.metrics.throughput).toBeGreaterThan(0);
    expect(readdirSync(results)).toContain('commit-insert-latency-1.svg');
    expect(readFileSync(join(results, 'commit.md'), 'utf8')).toContain(
      '| oltp_insert | 1 | single |',
    );
    expect(leftBehind()).toEqual({ folders: [], processes: [] });
  },
  timeoutMs,
);

test.skipIf(findSysbench() === null)(
  'a killed benchmark takes its servers along; the next one removes what it left, and leaves nothing when interrupted',
  async () => {
    const killed = await bench(['--peers', 'single'], { at: 'binraft: start', signal: 'SIGKILL' });
    expect(killed.status).toBeNull();
    await eventually(
      async () => (leftBehind().processes.length === 0 ? true : null),
      'all processes are gone',
    );
    expect(leftBehind().folders).toHaveLength(1);
    // The last thing that a dying process lets go of.
    const ports = Array.from({ length: portsUsed }, (_, place) => Number(basePort) + place);
    await eventually(async () => {
      await checkPortsFree(
        '127.0.0.1',
        ports.map((port) => ({ port, purpose: 'benchmark' })),
      );
      return true;
    }, 'all ports are free');

    const interrupted = await bench([], { at: 'binraft: start', signal: 'SIGINT' });
    expect(interrupted).toMatchObject({ status: 130, output: expect.stringContaining('nothing') });
    expect(leftBehind()).toEqual({ folders: [], processes: [] });
  },
  timeoutMs,
);

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs `bench commit` with one thread; a signal is sent once, as soon as it has printed some text. */
async function bench(
  args: readonly string[],
  end?: { readonly at: string; readonly signal: NodeJS.Signals },
): Promise<Ended> {
  const places = ['--data-dir', join(folder, 'data'), '--out', join(folder, 'results')];
  const child = spawn(
    process.execPath,
    [program, 'commit', '--threads', '1', '--base-port', basePort, ...places, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let isSignalled = false;
  const gather = (chunk: Buffer): void => {
    output += chunk.toString();
    if (end === undefined || isSignalled || !output.includes(end.at)) return;
    isSignalled = true;
    child.kill(end.signal);
  };
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, output };
}

function leftBehind(): { readonly folders: string[]; readonly processes: number[] } {
  const data = join(folder, 'data');
  return {
    folders: readdirSync(data).filter((name) => name.startsWith('run-')),
    processes: processesNaming(data).filter((pid) => pid !== process.pid),
  };
}
