import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** One run of a sysbench OLTP test. */
export interface SysbenchRun {
  readonly test: string;
  readonly threads: number;
  readonly seconds: number;
}

export interface SysbenchResult extends SysbenchRun {
  readonly transactionsPerSecond: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** Where the tables are, and how many. */
export interface SysbenchTarget {
  readonly program: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Made by the caller. */
  readonly database: string;
}

const tables = 2;
const rowsPerTable = 10_000;

/** The program on PATH, or null: nothing is installed for a measurement. */
export function findSysbench(): string | null {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => join(folder, 'sysbench')).find(isExecutable) ?? null;
}

export async function prepareSysbench(target: SysbenchTarget): Promise<void> {
  await sysbench(target, ['oltp_read_write', 'prepare']);
}

/** Rejects when a session fails or when the output is not understood. */
export async function runSysbench(
  target: SysbenchTarget,
  run: SysbenchRun,
): Promise<SysbenchResult> {
  const args = [`--threads=${run.threads}`, `--time=${run.seconds}`, run.test, 'run'];
  const output = await sysbench(target, args);
  return {
    ...run,
    transactionsPerSecond: numberIn(output, /transactions:\s+\d+\s+\(([\d.]+) per sec/),
    p95Ms: numberIn(output, /95th percentile:\s+([\d.]+)/),
    maxMs: numberIn(output, /max:\s+([\d.]+)/),
  };
}

async function sysbench(target: SysbenchTarget, args: readonly string[]): Promise<string> {
  const child = spawn(
    target.program,
    [
      '--db-driver=mysql',
      '--mysql-host=127.0.0.1',
      `--mysql-port=${target.port}`,
      `--mysql-user=${target.user}`,
      `--mysql-password=${target.password}`,
      `--mysql-db=${target.database}`,
      `--tables=${tables}`,
      `--table-size=${rowsPerTable}`,
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const gather = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`sysbench ended with ${status}:\n${output}`);
  return output;
}

function numberIn(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) throw new Error(`sysbench printed no ${pattern}:\n${output}`);
  return Number(found);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
