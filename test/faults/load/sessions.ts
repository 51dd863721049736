import type { Random } from '../../../base/random.ts';
import {
  type ClientWorkload,
  changer,
  type SessionContext,
  type SessionKind,
} from './client-workload.ts';
import type { OperationLog } from './operation-log.ts';
import { type Pacer, pause } from './rate.ts';
import { Recorder, type Tally } from './recorder.ts';
import { SqlSession } from './sql-session.ts';
import type { UniqueNumbers } from './unique-numbers.ts';
import type { LoadSite } from './workload.ts';

/** What all sessions of a client process share. */
export interface SessionHost {
  readonly site: LoadSite;
  readonly log: OperationLog;
  readonly tally: Tally;
  readonly processNumbers: UniqueNumbers;
  readonly elements: UniqueNumbers;
  readonly plannedSeconds: number;
}

export interface OpenSession {
  readonly context: SessionContext;
  readonly session: SqlSession;
  readonly recorder: Recorder;
}

const nanosPerSecond = 1e9;

export function openSession(
  host: SessionHost,
  kind: Omit<SessionKind, 'begin' | 'count'>,
  given: { readonly random: Random; readonly ratePerSecond: number },
): OpenSession {
  const { site, log, tally, processNumbers, elements, plannedSeconds } = host;
  const { random, ratePerSecond } = given;
  const account =
    kind.account === 'changer' ? changer : { user: site.appUser, password: site.appPassword };
  const session = new SqlSession({ ...kind, ...account, nodes: site.nodes, random });
  const recorder = new Recorder({ log, tally, numbers: processNumbers });
  const context: SessionContext = {
    session,
    random,
    ratePerSecond,
    plannedSeconds,
    elapsedSeconds: () => log.elapsedNanos() / nanosPerSecond,
    uniqueNumber: () => elements.next(),
    record: ({ attempt, ...asked }) => recorder.record({ ...asked, node: session.node }, attempt),
  };
  return { context, session, recorder };
}

/** Runs one session of a workload until the signal comes. After whatever failed it goes on with a new connection. */
export async function runSession(
  { context, session, recorder }: OpenSession,
  kind: SessionKind,
  given: { readonly pacer: Pacer; readonly signal: AbortSignal },
): Promise<void> {
  const { pacer, signal } = given;
  const step = kind.begin({
    ...context,
    record: async (asked) => {
      const recorded = await context.record(asked);
      // A transaction that was rolled back leaves a good connection; after all else the next one may be on a deposed primary.
      if (recorded.type === 'info') session.drop();
      return recorded;
    },
  });
  while (!signal.aborted) {
    if ((await session.ready(signal)) === 'new' && kind.isProcessPerConnection) recorder.renew();
    if (await pacer.turn()) await step();
  }
  session.drop();
}

/** The final reads of a workload, each again until it ended well; false when the signal came first. */
export async function readFinally(
  { context, session }: OpenSession,
  workload: ClientWorkload,
  signal: AbortSignal,
): Promise<boolean> {
  for (const read of workload.final(context)) {
    for (;;) {
      if ((await session.ready(signal)) === 'stopped') return false;
      const recorded = await read().catch(() => null);
      if (recorded?.type === 'ok') break;
      session.drop();
      await pause(500, signal);
    }
  }
  return true;
}
