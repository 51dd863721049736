import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lowPorts } from '../support/low-port.ts';
import { until } from './raft-cluster.ts';
import type { MemberCommand, MemberReport } from './raft-member.ts';

// Goal: what a leader settled as committed is never lost (G3, N3). Method: three processes on real disks and real TCP, a
// leader that proposes without pause, SIGKILL for it again and again; at the end every node's log must hold, at its index, every
// entry that any leader reported as committed.

const kills = 5;
const pauses = 2;

interface Member {
  readonly id: string;
  readonly child: ChildProcess;
  /** Terms it became leader in. */
  readonly leadingTerms: number[];
  log: readonly (readonly [number, string])[] | null;
}

class Processes implements AsyncDisposable {
  readonly members: Map<string, Member> = new Map<string, Member>();
  /** Every entry any leader reported as committed, by index. */
  readonly settled: Map<number, string> = new Map<number, string>();
  readonly contradictions: string[] = [];
  readonly #directory: string;
  readonly #ports: Readonly<Record<string, number>>;
  readonly #tickMs: number;
  #seed = 0;

  private constructor(directory: string, ports: Readonly<Record<string, number>>, tickMs: number) {
    this.#directory = directory;
    this.#ports = ports;
    this.#tickMs = tickMs;
  }

  static async start(tickMs = 25): Promise<Processes> {
    const [first = 0, second = 0, third = 0] = await lowPorts(3);
    const directory = await mkdtemp(join(tmpdir(), 'binraft-kill-'));
    const processes = new Processes(directory, { n1: first, n2: second, n3: third }, tickMs);
    for (const id of ['n1', 'n2', 'n3']) processes.startMember(id);
    return processes;
  }

  startMember(id: string): void {
    this.#seed += 10;
    const child = fork(new URL('raft-member.ts', import.meta.url), { execArgv: [] });
    const member: Member = { id, child, leadingTerms: [], log: null };
    child.on('message', (report: MemberReport) => this.#receive(member, report));
    this.members.set(id, member);
    const settings = {
      id,
      directory: join(this.#directory, id),
      ports: this.#ports,
      seed: this.#seed,
      tickMs: this.#tickMs,
    };
    command(member, { kind: 'start', settings });
  }

  /** The member that leads in the newest term reported. */
  leader(): Member | undefined {
    const byTerm = [...this.members.values()].toSorted((a, b) => newestTerm(b) - newestTerm(a));
    return byTerm.find((member) => newestTerm(member) > 0);
  }

  async kill(member: Member): Promise<void> {
    this.members.delete(member.id);
    member.child.kill('SIGKILL');
    await once(member.child, 'exit');
  }

  #receive(member: Member, report: MemberReport): void {
    if (report.kind === 'leading') member.leadingTerms.push(report.term);
    else if (report.kind === 'log') member.log = report.entries;
    else for (const [index, text] of report.entries) this.#settle(index, text);
  }

  #settle(index: number, text: string): void {
    const known = this.settled.get(index);
    if (known !== undefined) this.contradictions.push(`${index}: ${known} and ${text}`);
    this.settled.set(index, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.members.values()].map((member) => this.kill(member)));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function newestTerm(member: Member): number {
  return Math.max(0, ...member.leadingTerms);
}

function command(member: Member, order: MemberCommand): void {
  member.child.send(order);
}

/** A leader of a newer term than `newestSeen` that has committed some entries of its own. */
async function committingLeader(processes: Processes, newestSeen: number): Promise<Member> {
  const leader = await until('a new leader', () => {
    const found = processes.leader();
    return found !== undefined && newestTerm(found) > newestSeen ? found : null;
  });
  const before = processes.settled.size;
  await until('commits', () => processes.settled.size > before + 200);
  return leader;
}

/** Every member's log holds what was settled, at its index, and nothing was settled twice. */
async function expectNothingLost(processes: Processes): Promise<void> {
  for (const member of processes.members.values()) command(member, { kind: 'quiesce' });
  // Some more may commit while the order travels: they are not asked for.
  const settled = [...processes.settled];
  const last = Math.max(...settled.map(([index]) => index));
  for (const member of processes.members.values()) command(member, { kind: 'dump', index: last });
  await until('the logs', () => [...processes.members.values()].every(({ log }) => log !== null));

  expect(processes.contradictions).toEqual([]);
  for (const { log } of processes.members.values()) {
    const held = new Map(log);
    expect(settled.filter(([index, text]) => held.get(index) !== text)).toEqual([]);
  }
}

test('nothing that was settled as committed is lost when leaders are killed under load', async () => {
  await using processes = await Processes.start();
  let newest = 0;
  for (let round = 1; round <= kills; round += 1) {
    const leader = await committingLeader(processes, newest);
    newest = newestTerm(leader);
    await processes.kill(leader);
    processes.startMember(leader.id);
  }
  await committingLeader(processes, newest);

  expect(processes.settled.size).toBeGreaterThan(kills * 200);
  await expectNothingLost(processes);
});

test('a leader that is stopped and goes on later settles nothing of its own past', async () => {
  // Only a leader that is stopped is to be missed, and none that gets no CPU for a while.
  await using processes = await Processes.start(100);
  let newest = 0;
  for (let round = 1; round <= pauses; round += 1) {
    const paused = await committingLeader(processes, newest - 1);
    newest = newestTerm(paused);
    paused.child.kill('SIGSTOP');
    const next = await committingLeader(processes, newest);
    newest = newestTerm(next);

    paused.child.kill('SIGCONT');
    const before = processes.settled.size;
    await until('commits', () => processes.settled.size > before + 200);
  }

  // The paused ones did not disturb: whoever led when they woke still does.
  expect(newestTerm(processes.leader() ?? unknownMember())).toBe(newest);
  await expectNothingLost(processes);
});

function unknownMember(): never {
  throw new Error('there is no leader');
}
