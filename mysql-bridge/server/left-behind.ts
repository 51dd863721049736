import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { codeOf } from '../../base/errors.ts';
import { pathExists } from './machine.ts';
import { runProgram } from './run-program.ts';

const goneTimeoutMs = 30_000;
const pollMs = 20;

/** The argument by which a server of ours is known among all processes of a machine. */
export function dataDirectoryArgument(dataDirectory: string): string {
  return `--datadir=${dataDirectory}`;
}

/**
 * Ends every process that was started on one of these data folders, and waits until it is gone. SIGKILL, because such a
 * server may hold commits that nobody acknowledged, and a polite end would let them through (HAZARDS H2). No pid file is
 * asked: its number may belong to another process by now, the command line cannot lie about the folder.
 */
export async function killLeftBehind(
  dataDirectories: readonly string[],
  clock: Clock,
): Promise<readonly number[]> {
  const wanted = dataDirectories.map(dataDirectoryArgument);
  const killed: number[] = [];
  for (const process of await listProcesses()) {
    if (!wanted.some((argument) => process.argumentsText.includes(`\0${argument}\0`))) continue;
    if (await killAndAwait(process.pid, clock)) killed.push(process.pid);
  }
  return killed;
}

interface RunningProcess {
  readonly pid: number;
  /** All arguments, a zero byte before and after each. */
  readonly argumentsText: string;
}

async function listProcesses(): Promise<readonly RunningProcess[]> {
  if (!(await pathExists('/proc/self/cmdline'))) return await listProcessesByPs();
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return await Promise.all(
    pids.map(async (pid) => {
      // Ended since the folder was read, or a zombie: neither has arguments.
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), argumentsText: `\0${text}` };
    }),
  );
}

async function listProcessesByPs(): Promise<readonly RunningProcess[]> {
  const result = await runProgram(['ps', '-axww', '-o', 'pid=,args='], {
    timeoutMs: goneTimeoutMs,
  });
  return result.stdout.split('\n').flatMap((line) => {
    const [, pid, text] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || text === undefined) return [];
    return [{ pid: Number(pid), argumentsText: `\0${text.replaceAll(' ', '\0')}\0` }];
  });
}

/** False when the process ended before it could be killed. */
async function killAndAwait(pid: number, clock: Clock): Promise<boolean> {
  if (!sendSignal(pid, 'SIGKILL')) return false;
  const until = clock.monotonicMs() + goneTimeoutMs;
  while (clock.monotonicMs() < until && !(await isGone(pid))) await clock.delay(pollMs);
  return true;
}

/** A zombie has let go of its files and locks: its parent alone still remembers it. */
async function isGone(pid: number): Promise<boolean> {
  if (!sendSignal(pid, 0)) return true;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /\) [ZX] /.test(stat);
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}
