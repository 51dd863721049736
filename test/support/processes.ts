import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from './eventually.ts';

/** One process, and not another that got its number after its end. */
export interface ProcessLife {
  readonly pid: number;
  /** See proc(5), `starttime`; empty when it was gone already. */
  readonly startedAt: string;
}

export function lifeOf(pid: number): ProcessLife {
  return { pid, startedAt: statOf(`/proc/${pid}/stat`)?.[startTimeField] ?? '' };
}

/** Processes whose arguments contain a text; zombies have none, and neither has a process that is dying. */
export function processesNaming(text: string): number[] {
  return readdirProc().filter((pid) => commandLine(pid).includes(text));
}

function readdirProc(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** A signal to a process that may be gone already. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  // Zero and below are not a process but a group of them, this one included.
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`${pid} is no process of a test`);
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, which is what a kill is for.
  }
}

/** SIGSTOP that has taken effect: none of its threads runs any more. */
export async function pause(pid: number): Promise<void> {
  kill(pid, 'SIGSTOP');
  await eventually(async () => (standsStill(pid) ? true : null), `${pid} stands still`);
}

/** None of its threads runs; so it is too of one that is gone. */
export function standsStill(pid: number): boolean {
  return threadStates(pid).every((state) => 'TtZX'.includes(state));
}

/** It lives, and none of its threads runs. */
export function isPaused(pid: number): boolean {
  const states = threadStates(pid);
  return states.length > 0 && states.every((state) => 'Tt'.includes(state));
}

/** Gone, or a zombie: it has let go of its files, locks and ports. It has no command line any more well before that. */
export function isDead({ pid, startedAt }: ProcessLife): boolean {
  return (
    lifeOf(pid).startedAt !== startedAt || threadStates(pid).every((state) => 'ZX'.includes(state))
  );
}

/** SIGKILL that has taken effect. */
export async function killAndAwait(pid: number): Promise<void> {
  const life = lifeOf(pid);
  kill(pid, 'SIGKILL');
  await eventually(async () => (isDead(life) ? true : null), `${pid} is dead`);
}

/** One letter per thread; none when the process is gone. */
function threadStates(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(
      (thread) => statOf(`/proc/${pid}/task/${thread}/stat`)?.[stateField] ?? [],
    );
  } catch {
    return [];
  }
}

/** What its threads have used so far, in user and kernel mode; null when it is gone. */
export function processorSecondsOf(pid: number): number | null {
  const fields = statOf(`/proc/${pid}/stat`);
  if (fields === null) return null;
  return (Number(fields[userTicksField]) + Number(fields[kernelTicksField])) / ticksPerSecond;
}

/** Fields of a stat file of proc(5) behind the name, which may hold anything. */
const stateField = 0;
const userTicksField = 11;
const kernelTicksField = 12;
const startTimeField = 19;
/** `USER_HZ`: what proc(5) counts in on every architecture of Linux that Node runs on. */
const ticksPerSecond = 100;

function statOf(path: string): readonly string[] | null {
  try {
    const text = readFileSync(path, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
