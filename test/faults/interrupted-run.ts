import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually, until } from '../support/eventually.ts';
import { isDead, kill, lifeOf } from '../support/processes.ts';
import { isNoted, remainsOf } from './site/leftovers.ts';
import { identityIn } from './site/run-identity.ts';

const program = fileURLToPath(new URL('./run.ts', import.meta.url));

/** When a run is interrupted: by what it has printed last, and how often it is told. */
export interface Moment {
  readonly name: string;
  readonly after: RegExp;
  /** Of the command. */
  readonly args: readonly string[];
  readonly signals: readonly ('SIGINT' | 'SIGTERM' | 'SIGKILL')[];
}

export interface Interrupted {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
  /** What stayed, in words. */
  readonly remains: readonly string[];
}

/** Of what a person may meet while it starts; cheap. */
export function startUpMoments(basePort: number): readonly Moment[] {
  const set = ['--workload', 'set', '--base-port', String(basePort)];
  const compared = ['--workload', 'list-append-rr', '--base-port', String(basePort)];
  const once = ['SIGINT'] as const;
  return [
    { name: 'the plain server starts', after: /^out: /m, args: compared, signals: once },
    { name: 'the cluster starts', after: /^starting/m, args: set, signals: once },
    {
      name: 'the cluster starts, twice in a row',
      after: /^starting/m,
      args: set,
      signals: ['SIGINT', 'SIGINT'],
    },
    { name: 'tables are made', after: /^making tables/m, args: set, signals: ['SIGTERM'] },
    { name: 'it is killed', after: /^making tables/m, args: set, signals: ['SIGKILL'] },
  ];
}

/** While it strikes; each takes as long as a whole start. */
export function laterMoments(basePort: number): readonly Moment[] {
  const during = (nemesis: string, signals: Moment['signals']): Moment => ({
    name: `${nemesis} is on, ${signals.join(' ')}`,
    after: / begin: /,
    args: ['--workload', 'set', '--nemesis', nemesis, '--base-port', String(basePort)],
    signals,
  });
  return [
    during('partition:everyone-alone', ['SIGINT']),
    during('pause:all-both', ['SIGINT']),
    during('pause:leader-both', ['SIGKILL']),
    during('disk:leader-mysql-hangs', ['SIGINT']),
    during('disk:follower-log-slow', ['SIGINT', 'SIGINT']),
    during('disk:leader-log-hangs', ['SIGKILL']),
    during('kill:all-both', ['SIGINT', 'SIGINT']),
  ];
}

/** Starts a run, interrupts it, and looks for what it left: processes, namespaces, mounts, its note and its folder. */
export async function interruptRun({ after, args, signals }: Moment): Promise<Interrupted> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const life = lifeOf(child.pid ?? 0);
  const run = identityIn(`binraft-${life.pid}-${life.startedAt}`);
  if (run === null) throw new Error('the run has no process');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const closed = new Promise<{ readonly status: number | null; readonly signal: string | null }>(
    (resolve) => child.once('close', (status, signal) => resolve({ status, signal })),
  );
  try {
    await until(() => after.test(output) || isDead(life), `the run says ${after}`);
    for (const signal of signals) kill(life.pid, signal);
    const { status, signal } = await closed;
    const out = /^out: (.*)$/m.exec(output)?.[1] ?? '';
    const left = async (): Promise<readonly string[]> => [
      ...(await remainsOf(run)),
      ...(isNoted(run) ? ['its note'] : []),
      ...(out === '' || existsSync(out) ? [`its folder ${out}`] : []),
    ];
    // What is left when it died at once goes a moment later.
    await eventually(async () => (await left()).length === 0 || null, 'nothing is left').catch(
      () => null,
    );
    return { status, signal, output, remains: await left() };
  } finally {
    kill(life.pid, 'SIGKILL');
  }
}
