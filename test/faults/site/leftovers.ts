import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.ts';
import { isDead, kill, lifeOf, processesNaming } from '../../support/processes.ts';
import { identityIn, isAlive, type RunIdentity } from './run-identity.ts';
import { runTool } from './run-tool.ts';

// What a run makes outside its folder: processes, network namespaces (their interfaces and tables go with them) and mounts. A run notes
// its folders before it makes anything, under its name; whoever finds the name of a run that is no more removes all of it.

const notes = join(tmpdir(), `binraft-faults-${process.getuid?.() ?? 0}`);
/** A server that was killed in the middle of much work is gone within seconds, on a machine that has something else to do. */
const removalMsMax = 120_000;
const dyingMsMax = 5_000;

/** What a run will have made. */
export interface RunNote {
  /** What is mounted below, and whose processes name a file below, is the run's. */
  readonly folders: readonly string[];
  /** A folder that nobody asked for, to go with a run that came to no verdict. */
  readonly temporary: string | null;
}

/** To be called before anything is made. */
export function noteRun({ name }: RunIdentity, note: RunNote): void {
  mkdirSync(notes, { recursive: true });
  writeFileSync(join(notes, name), JSON.stringify(note));
}

/**
 * Removes what this run made, but for its folders. Safe to repeat, also by two processes at once: what one has removed the other does
 * not find. Rejects when something stays whatever is done.
 */
export async function removeRun(run: RunIdentity): Promise<void> {
  await eventually(
    async () => {
      await removeOnce(run);
      return (await remainsOf(run)).length === 0 || null;
    },
    `nothing is left of ${run.name}`,
    removalMsMax,
  );
}

/** As `removeRun`, of a run that is over: its note goes, and the folder that nobody asked for when it came to no verdict. */
export async function forgetRun(
  run: RunIdentity,
  { hasVerdict }: { readonly hasVerdict: boolean },
): Promise<void> {
  await removeRun(run);
  const { temporary } = noteOf(run);
  if (temporary !== null && !hasVerdict) rmSync(temporary, { recursive: true, force: true });
  rmSync(join(notes, run.name), { force: true });
  try {
    rmdirSync(notes);
  } catch {
    // Another run has a note there.
  }
}

/** Removes what runs left behind whose process is no more. Answers their names. */
export async function removeDeadRuns(): Promise<readonly string[]> {
  const names = [...notedRuns(), ...(await allNamespaces())];
  const dead = new Map<string, RunIdentity>();
  for (const name of names) {
    const run = identityIn(name);
    if (run !== null && !isAlive(run)) dead.set(run.name, run);
  }
  for (const run of dead.values()) await forgetRun(run, { hasVerdict: false });
  return [...dead.keys()];
}

/** What is left of a run, in words; empty when it left nothing. */
export async function remainsOf(run: RunIdentity): Promise<readonly string[]> {
  const { folders } = noteOf(run);
  return [
    ...(await processesOf(run, folders)).map((pid) => `process ${pid}`),
    ...(await namespacesOf(run)).map((name) => `namespace ${name}`),
    ...mountsIn(folders).map((point) => `mount ${point}`),
    ...loopDevicesIn(folders).map((name) => `loop device ${name}`),
  ];
}

/** Lets everybody go on who waits for a disk of the run. */
export async function thawAll(run: RunIdentity): Promise<void> {
  for (const point of mountsIn(noteOf(run).folders)) {
    await runTool('fsfreeze', ['--unfreeze', point]).catch(() => null);
  }
}

async function removeOnce(run: RunIdentity): Promise<void> {
  // Who waits for a frozen disk cannot be killed.
  await thawAll(run);
  const { folders } = noteOf(run);
  await endProcesses(await processesOf(run, folders));
  for (const point of mountsIn(folders)) await runTool('umount', [point]);
  for (const name of await namespacesOf(run)) await runTool('ip', ['netns', 'delete', name]);
}

/** SIGKILL, which stopped processes obey too. They have let go of their files and ports, or they wait for a disk. */
async function endProcesses(pids: readonly number[]): Promise<void> {
  const dying = pids.map(lifeOf);
  for (const pid of pids) kill(pid, 'SIGKILL');
  const gone = async (): Promise<true | null> => dying.every(isDead) || null;
  await eventually(gone, 'every process of the run is gone', dyingMsMax).catch(() => null);
}

async function processesOf(
  run: RunIdentity,
  folders: readonly string[],
): Promise<readonly number[]> {
  const pids = new Set(folders.flatMap((folder) => processesNaming(`${folder}/`)));
  for (const name of await namespacesOf(run)) {
    const listed = await runTool('ip', ['netns', 'pids', name]);
    for (const pid of listed.output.split('\n')) if (pid !== '') pids.add(Number(pid));
  }
  pids.delete(process.pid);
  return [...pids];
}

/** Its note goes when it is over and nothing of it is left. */
export function isNoted({ name }: RunIdentity): boolean {
  return existsSync(join(notes, name));
}

function noteOf({ name }: RunIdentity): RunNote {
  try {
    return JSON.parse(readFileSync(join(notes, name), 'utf8'));
  } catch {
    return { folders: [], temporary: null };
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
function mountsIn(folders: readonly string[]): readonly string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => isIn(folders, point))
    .reverse();
}

/** Those that still hold a file: the kernel lets go a moment after the last unmount. */
function loopDevicesIn(folders: readonly string[]): readonly string[] {
  return blockDevices().filter((name) => {
    try {
      const file = readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8');
      return isIn(folders, file.trim());
    } catch {
      return false;
    }
  });
}

function blockDevices(): readonly string[] {
  try {
    return readdirSync('/sys/block').filter((name) => name.startsWith('loop'));
  } catch {
    return [];
  }
}

function isIn(folders: readonly string[], path: string): boolean {
  return folders.some((folder) => path.startsWith(`${folder}/`));
}
