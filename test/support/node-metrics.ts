import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeStatus } from '../../admin/node-status.ts';
import { memoryOf, openHandlesOf } from './process-memory.ts';

/** One look at a running node from outside: what its process uses and how its main thread keeps up. */
export interface NodeSample {
  readonly node: string;
  readonly role: string;
  readonly privateMiB: number;
  readonly residentMiB: number;
  readonly heapMiB: number;
  readonly externalMiB: number;
  readonly arrayBuffersMiB: number;
  readonly handles: number;
  readonly delayMs: EventLoopDelay;
}

/** How late the main thread came to its timers since the last look. */
export interface EventLoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The histogram holds the time between two timers of 10 ms; what is more is the delay. */
const samplingMs = 10;
const mebibyte = 1024 * 1024;

/** Asks `/metrics`, which begins a new interval of the event-loop delay: one caller at a time. */
export async function sampleNode(status: NodeStatus): Promise<NodeSample> {
  const metrics = await fetchMetrics(status.ports.admin);
  const metric = (name: string): number => metrics.get(name) ?? Number.NaN;
  const mebibytes = (name: string): number => Math.round(metric(name) / mebibyte);
  const delay = (which: string): number =>
    Math.max(0, metric(`nodejs_eventloop_lag_${which}_seconds`) * 1000 - samplingMs);
  return {
    node: status.node,
    role: status.mysql.role,
    ...memoryOf(status.pid),
    heapMiB: mebibytes('nodejs_heap_size_used_bytes'),
    externalMiB: mebibytes('nodejs_external_memory_bytes'),
    arrayBuffersMiB: mebibytes('binraft_process_array_buffers_bytes'),
    handles: openHandlesOf(status.pid),
    delayMs: { p50: delay('p50'), p99: delay('p99'), max: delay('max') },
  };
}

/** Values without labels, by name. */
export async function fetchMetrics(adminPort: number): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`, {
    signal: AbortSignal.timeout(5000),
  });
  const lines = (await response.text()).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const found = /^(\w+) ([-+.\deE]+)$/.exec(line);
      return found?.[1] === undefined ? [] : [[found[1], Number(found[2])] as const];
    }),
  );
}

/** What a node's folder holds, in MiB, by what may grow. */
export function diskUseOf(directory: string): ReadonlyMap<string, number> {
  const data = join(directory, 'mysql', 'data');
  return new Map([
    ['node log', sizeMiB(directory, /^node\.log/)],
    ['Raft log', sizeMiB(join(directory, 'log', 'level'), /./)],
    ['binlogs', sizeMiB(data, /^binlog\./)],
    ['relay logs', sizeMiB(data, /^relay/)],
    ['mysqld log', sizeMiB(join(directory, 'mysql', 'log'), /./)],
  ]);
}

function sizeMiB(directory: string, names: RegExp): number {
  const bytes = readdirSync(directory)
    .filter((name) => names.test(name))
    .reduce(
      (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  return Math.round((bytes / mebibyte) * 10) / 10;
}
