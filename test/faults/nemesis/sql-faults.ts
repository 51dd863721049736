import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { eventually } from '../../support/eventually.ts';
import type { FaultNode, FaultSite } from '../site.ts';
import { allPlayRoles } from './everyone-back.ts';
import type { Observation, Strike, StruckFault } from './nemesis.ts';
import type { ServingLeader } from './serving-leader.ts';

// What nemeses that speak SQL have in common: a storm of statements, and a server that must not live on.

/** Sessions killed and logs rotated per second: as a nuisance, not so that nothing else gets through. */
const stormPauseMs = 100;
const seenMs = 20_000;

/** Any of those that do not serve. */
export function randomFollower({ site, random }: Strike, leader: ServingLeader): FaultNode {
  const others = site.nodes.filter(({ id }) => id !== leader.id);
  const follower = others[random.below(0, others.length)];
  if (follower === undefined) throw new Error('nobody follows');
  return follower;
}

export interface Storm {
  readonly done: number;
  readonly failed: number;
}

/** Runs it again and again until it is over; what fails (the primary may change) is counted. */
export function repeat(
  over: AbortSignal,
  once: (turn: number) => Promise<boolean>,
): { readonly counts: Storm; readonly ended: Promise<void> } {
  const counts = { done: 0, failed: 0 };
  const run = async (): Promise<void> => {
    for (let turn = 0; !over.aborted; turn += 1) {
      const done = await once(turn).catch(() => false);
      counts[done ? 'done' : 'failed'] += 1;
      await delay(stormPauseMs, undefined, { signal: over }).catch(() => undefined);
    }
  };
  return { counts, ended: run() };
}

export interface StormOptions {
  readonly atMs: number;
  readonly storm: ReturnType<typeof repeat>;
  readonly detail: string;
  close(): void;
}

export async function stormFault(
  site: FaultSite,
  { atMs, storm, detail, close }: StormOptions,
): Promise<StruckFault> {
  const { counts, ended } = storm;
  const seen = await eventually(
    async () => counts.done > 0 || null,
    'it took effect',
    seenMs,
  ).catch(() => false);
  return {
    ...{ atMs, confirmed: seen, isMajorityWhole: true },
    detail: `${detail}; ${seen ? 'seen' : 'NOT seen'}`,
    end: async (): Promise<Observation> => {
      await ended;
      close();
      const back = await allPlayRoles(site);
      return { ...back, detail: `${counts.done} times, ${counts.failed} failed; ${back.detail}` };
    },
  };
}

export async function replacedFault(
  site: FaultSite,
  options: { readonly atMs: number; readonly detail: string; isReplaced(): boolean },
): Promise<StruckFault> {
  const { atMs, detail, isReplaced } = options;
  const gone = await eventually(
    async () => isReplaced() || null,
    'that server is gone',
    seenMs,
  ).catch(() => false);
  return {
    ...{ atMs, confirmed: gone, isMajorityWhole: true },
    detail: `${detail}: ${gone ? 'that server is gone' : 'that server lives on'}`,
    end: () => allPlayRoles(site),
  };
}

export async function appSession(site: FaultSite, id: string): Promise<Connection> {
  const { host, readWritePort } = nodeOf(site, id);
  const session = await createConnection({
    ...{ host, port: readWritePort, user: site.appUser, password: site.appPassword },
  });
  // Errors of an idle session surface at the next statement.
  session.on('error', () => undefined);
  return session;
}

export function nodeOf(site: FaultSite, id: string): FaultNode {
  const found = site.nodes.find((node) => node.id === id);
  if (found === undefined) throw new Error(`no node ${id}`);
  return found;
}
