import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { temporaryDirectory } from '../log-store/support.ts';
import { lowPorts } from '../support/low-port.ts';
import { until } from './raft-cluster.ts';
import type {
  SnapshotMemberCommand,
  SnapshotMemberReport,
  SnapshotMemberSettings,
} from './raft-snapshot-member.ts';

// Goal: a node that is killed while it fetches and installs a snapshot, again and again, ends up with the state of the others (HAZARDS
// N3). Method: three processes; one is away while the others compact, comes back, and is killed at a random moment of that.

const kills = Number(process.env['SNAPSHOT_KILLS'] ?? 6);
const seed = Number(process.env['SNAPSHOT_SEED'] ?? 1);
/** The leader is the same all along, however little CPU it gets: nothing here is about elections. */
const tickMs = 200;
const snapshotBytes = 24 * 1024 * 1024;
const clock = new SystemClock();

class MemberProcess {
  readonly #child: ChildProcess;
  report: SnapshotMemberReport | null = null;

  constructor(settings: SnapshotMemberSettings) {
    this.#child = fork(new URL('raft-snapshot-member.ts', import.meta.url), { execArgv: [] });
    this.#child.on('message', (report: SnapshotMemberReport) => {
      this.report = report;
    });
    this.send({ kind: 'start', settings });
  }

  send(command: SnapshotMemberCommand): void {
    this.#child.send(command);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

test(`a node killed ${kills} times while it gets a snapshot has the state of the others (seed ${seed})`, async () => {
  await using directory = await temporaryDirectory();
  const random = new SeededRandom(seed);
  const ports = Object.fromEntries(
    (await lowPorts(3)).map((port, place) => [`n${place + 1}`, port] as const),
  );
  let starts = 0;
  const start = (id: string): MemberProcess => {
    starts += 1;
    const settings = { id, directory: join(directory.path, id), ports, seed: starts * 10, tickMs };
    return new MemberProcess({ ...settings, snapshotBytes });
  };
  const others = [start('n1'), start('n2')];
  let away: MemberProcess | null = null;
  try {
    const leader = await until('a leader', () => others.find(({ report }) => report?.isReady));
    let killedInMidst = 0;
    // A run in which no kill met a snapshot on its way would show nothing (HAZARDS C11): then more follow, each at once.
    for (let round = 0; round < kills || killedInMidst === 0; round += 1) {
      const before = leader.report?.lastIndex ?? 0;
      leader.send({ kind: 'propose', count: 200 });
      const last = await until('the proposals', () => {
        const { lastIndex = 0, commitIndex = 0 } = leader.report ?? {};
        return lastIndex >= before + 200 && commitIndex === lastIndex ? lastIndex : null;
      });
      await until('their effect', () => others.every(({ report }) => report?.applied === last));
      for (const other of others) other.send({ kind: 'compact' });
      await until('the compactions', () =>
        others.every(({ report }) => report?.firstIndex === last + 1),
      );

      const killed = start('n3');
      away = killed;
      await until('its start', () => killed.report !== null);
      await clock.delay(round < kills ? random.below(0, 400) : 0);
      if ((killed.report?.applied ?? 0) < last) killedInMidst += 1;
      await killed.kill();
    }

    const back = start('n3');
    away = back;
    const last = leader.report?.lastIndex ?? 0;
    await until('the state of the others', () => back.report?.applied === last);
    expect(back.report?.sum).toBe(leader.report?.sum);
    expect(back.report?.firstIndex).toBe(last + 1);
  } finally {
    await Promise.all([...others, ...(away === null ? [] : [away])].map((one) => one.kill()));
  }
});
