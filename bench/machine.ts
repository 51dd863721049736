import { open, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import { runProgram } from '../mysql-bridge/server/run-program.ts';
import { median } from './core/statistics.ts';
import type { ToolName, Tools } from './tools.ts';

/** What was measured on and with. */
export interface MachineReport {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Median of a 512-byte append and `fdatasync` in the work folder. */
  readonly syncMs: number;
  /** Of the minute before the run: other programs were busy when this is not near 0. */
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
  /** What each other program says of itself, with its name. */
  readonly tools: readonly string[];
}

const askTimeoutMs = 10_000;
const syncs = 200;

export async function describeMachine(parts: {
  readonly folder: string;
  readonly installation: MySqlInstallation;
  readonly tools: Tools;
  readonly toolNames: readonly ToolName[];
}): Promise<MachineReport> {
  const [loadBefore = 0] = loadavg();
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? process.platform;
  const versions = {
    binraft: await firstLineOf(['git', 'describe', '--always', '--dirty']),
    mysql: parts.installation.version,
    node: process.versions.node,
  };
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${name}, Linux ${release()}`,
    syncMs: await medianSyncMs(parts.folder),
    loadBefore: Math.round(loadBefore * 100) / 100,
    versions,
    tools: parts.toolNames.map((tool) => parts.tools.find(tool).version),
  };
}

async function firstLineOf(command: readonly string[]): Promise<string> {
  const result = await runProgram(command, { timeoutMs: askTimeoutMs });
  const [line = ''] = `${result.stdout}${result.stderr}`.trim().split('\n');
  return result.status === 0 ? line : 'unknown';
}

async function medianSyncMs(folder: string): Promise<number> {
  const path = join(folder, 'sync-probe');
  const file = await open(path, 'w');
  const block = new Uint8Array(512);
  const times: number[] = [];
  try {
    for (let index = 0; index < syncs; index += 1) {
      const beganMs = performance.now();
      await file.write(block);
      await file.datasync();
      times.push(performance.now() - beganMs);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  return Math.round((median(times) ?? 0) * 1000) / 1000;
}
