import type { MemberStatus } from '../core/etcd-wire.ts';
import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { PutClient } from '../put-client.ts';

/** What a turn without MySQL needs of its surroundings. */
export type PutTurn = Omit<Turn, 'installation' | 'templateData' | 'settings'>;

/** A member of a group that takes puts, ours or etcd's: a process of its own. */
export interface PutMember {
  readonly pid: number;
  /** Where clients call it. */
  readonly port: number;
}

/** One that ends with its owner. */
export interface StartedMember extends PutMember, AsyncDisposable {}

/** Members of one group. */
export interface PutSystem extends AsyncDisposable {
  readonly members: readonly PutMember[];
}

/** Who leads a group, as all of its members see it. */
export interface PutLeader extends PutMember {
  readonly status: MemberStatus;
}

export type StartPutSystem = (turn: PutTurn) => Promise<PutSystem>;

/** Starts members 1 to `count` together, since some wait for the others before they serve anybody. When one fails, none is left. */
export async function startMembers(
  count: number,
  start: (number: number) => Promise<StartedMember>,
): Promise<PutSystem> {
  await using started = new AsyncDisposableStack();
  const numbers = Array.from({ length: count }, (_, place) => place + 1);
  const outcomes = await Promise.allSettled(numbers.map((number) => start(number)));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') started.use(outcome.value);
  }
  const members = outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  const all = started.move();
  return { members, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const electedTimeoutMs = 30_000;
const electedPollMs = 10;

/** Settles when all members name the same leader and that one says so too. Rejects with BENCH_START_FAILED. */
export async function untilElected(
  turn: PutTurn,
  members: readonly PutMember[],
): Promise<PutLeader> {
  const { clock, signal } = turn;
  const untilMs = clock.monotonicMs() + electedTimeoutMs;
  for (;;) {
    const leader = await leaderOf(members);
    if (leader !== null) return leader;
    if (clock.monotonicMs() > untilMs) {
      const message = `${members.length} members did not agree on a leader within ${electedTimeoutMs} ms`;
      throw new BenchError('BENCH_START_FAILED', message);
    }
    await clock.delay(electedPollMs, { signal });
  }
}

const leadersMax = 20;
const nextTermTimeoutMs = 5_000;

/**
 * Work of which nothing is measured, begun again with the next leader when leadership changed under it: a group that has just started
 * may hand it to a member that has applied more. Rejects with what the work said when it fails in a term that lasts, or too often.
 */
export async function withWhoeverLeads(
  turn: PutTurn,
  members: readonly PutMember[],
  work: (leader: PutLeader) => Promise<void>,
): Promise<void> {
  let leader = await untilElected(turn, members);
  for (let count = 1; ; count += 1) {
    try {
      return await work(leader);
    } catch (thrown) {
      turn.signal.throwIfAborted();
      const next = count < leadersMax ? await nextLeader(turn, members, leader) : null;
      if (next === null) throw thrown;
      turn.note('the leader changed before anything was measured');
      leader = next;
    }
  }
}

/** Who leads after that term, or null when it lasts: a hand-over that has begun takes a moment until others see its end. */
async function nextLeader(
  turn: PutTurn,
  members: readonly PutMember[],
  before: PutLeader,
): Promise<PutLeader | null> {
  const { clock, signal } = turn;
  const untilMs = clock.monotonicMs() + nextTermTimeoutMs;
  while (clock.monotonicMs() < untilMs) {
    const leader = await untilElected(turn, members);
    if (leader.status.term !== before.status.term) return leader;
    await clock.delay(electedPollMs, { signal });
  }
  return null;
}

/** Rejects with BENCH_MISCONFIGURED unless the same member leads in the same term, with at least so many entries more. */
export async function requireSameLeader(
  members: readonly PutMember[],
  before: PutLeader,
  entries: number,
): Promise<void> {
  const now = await leaderOf(members);
  const { memberId, term, index } = before.status;
  const isSame = now?.status.memberId === memberId && now.status.term === term;
  if (!isSame) {
    const message = `the leader changed during the load: it was ${memberId} in term ${term}`;
    throw new BenchError('BENCH_MISCONFIGURED', message);
  }
  if (now.status.index - index >= BigInt(entries)) return;
  const message = `${entries} puts were acknowledged, the log grew by ${now.status.index - index}`;
  throw new BenchError('BENCH_WRITES_LOST', message);
}

/** Null when there is none on which all of them agree. */
async function leaderOf(members: readonly PutMember[]): Promise<PutLeader | null> {
  const statuses = await Promise.all(members.map(({ port }) => statusAt(port)));
  const [first] = statuses;
  if (first === null || first === undefined || first.leaderId === 0n) return null;
  const isAgreed = statuses.every(
    (each) => each?.leaderId === first.leaderId && each.term === first.term,
  );
  const place = statuses.findIndex((each) => each?.memberId === first.leaderId);
  const [member, status] = [members[place], statuses[place]];
  if (!isAgreed || member === undefined || status === null || status === undefined) return null;
  return { ...member, status };
}

/** Null when it does not answer yet. */
async function statusAt(port: number): Promise<MemberStatus | null> {
  using client = new PutClient(port);
  return await client.status().catch(() => null);
}
