import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../support/eventually.ts';
import { isDead, kill, lifeOf, processesNaming } from '../../support/processes.ts';
import { identityIn, isAlive, type RunIdentity } from './run-identity.ts';
import { needTool, runTool } from './run-tool.ts';

// What a run makes outside its folder: processes, network namespaces (their interfaces go with them) and mounts. A run notes its folder
// before it makes anything, under its name; whoever finds the name of a run that is no more removes all of it.

const notes = join(tmpdir(), 'binraft-faults');

/** To be called before anything is made. */
export function noteRun({ name }: RunIdentity, directory: string): void {
  mkdirSync(notes, { recursive: true });
  writeFileSync(join(notes, name), `${directory}\n`);
}

/** Removes what this run made, and the note of it. Safe to repeat. */
export async function removeRun(run: RunIdentity): Promise<void> {
  const directory = directoryOf(run);
  const points = mountsIn(directory);
  // Who waits for a frozen disk cannot be killed.
  for (const point of points) await runTool('fsfreeze', ['--unfreeze', point]).catch(() => null);
  await endProcesses(await processesOf(run, directory));
  for (const point of points) await needTool('umount', [point]);
  for (const name of await namespacesOf(run)) await needTool('ip', ['netns', 'delete', name]);
  rmSync(join(notes, run.name), { force: true });
}

/** Removes what runs left behind whose process is no more. Answers their names. */
export async function removeDeadRuns(): Promise<readonly string[]> {
  const names = [...notedRuns(), ...(await allNamespaces())];
  const dead = new Map<string, RunIdentity>();
  for (const name of names) {
    const run = identityIn(name);
    if (run !== null && !isAlive(run)) dead.set(run.name, run);
  }
  for (const run of dead.values()) await removeRun(run);
  return [...dead.keys()];
}

/** What is left of a run, in words; empty when it left nothing. */
export async function remainsOf(run: RunIdentity, directory: string): Promise<readonly string[]> {
  return [
    ...(await processesOf(run, directory)).map((pid) => `process ${pid}`),
    ...(await namespacesOf(run)).map((name) => `namespace ${name}`),
    ...mountsIn(directory).map((point) => `mount ${point}`),
  ];
}

/** SIGKILL, which stopped processes obey too; settles when all have let go of their files and ports. */
async function endProcesses(pids: readonly number[]): Promise<void> {
  const dying = pids.map(lifeOf);
  for (const pid of pids) kill(pid, 'SIGKILL');
  await until(() => dying.every(isDead), 'every process of the run is gone');
}

async function processesOf(run: RunIdentity, directory: string | null): Promise<readonly number[]> {
  const pids = new Set(directory === null ? [] : processesNaming(`${directory}/`));
  for (const name of await namespacesOf(run)) {
    const listed = await runTool('ip', ['netns', 'pids', name]);
    for (const pid of listed.output.split('\n')) if (pid !== '') pids.add(Number(pid));
  }
  pids.delete(process.pid);
  return [...pids];
}

function directoryOf({ name }: RunIdentity): string | null {
  try {
    return readFileSync(join(notes, name), 'utf8').trim();
  } catch {
    return null;
  }
}

function notedRuns(): readonly string[] {
  try {
    return readdirSync(notes);
  } catch {
    return [];
  }
}

async function namespacesOf({ name }: RunIdentity): Promise<readonly string[]> {
  return (await allNamespaces()).filter((namespace) => namespace.startsWith(`${name}-`));
}

/** None where there is no such tool: then no run made any. */
async function allNamespaces(): Promise<readonly string[]> {
  const listed = await runTool('ip', ['netns', 'list']).catch(() => null);
  return (listed?.output ?? '').split('\n').flatMap((line) => line.split(' ')[0] || []);
}

/** Newest first: a mount may lie in another. */
function mountsIn(directory: string | null): readonly string[] {
  if (directory === null) return [];
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${directory}/`))
    .reverse();
}
