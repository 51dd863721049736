import { eventually } from '../../support/eventually.ts';
import { isDead, type ProcessLife } from '../../support/processes.ts';
import type { FaultSite } from '../site.ts';
import type { Observation } from './nemesis.ts';
import { statuses } from './serving-leader.ts';

/** A server may have to recover from a crash, be built anew, and be fed what it missed, on a machine that starts a process in ten seconds. */
const returnMs = 180_000;

/** Waits until every node has a role again, and none of those that died is what plays it. */
export async function allPlayRoles(
  site: FaultSite,
  dead: readonly ProcessLife[] = [],
): Promise<Observation> {
  const lives = eventually(
    async () => {
      const answers = await statuses(site);
      const isWhole =
        answers.length === site.nodes.length &&
        answers.every(({ mysql }) => ['primary', 'replica'].includes(mysql.role)) &&
        dead.every(isDead);
      return isWhole ? answers.map(({ node, pid }) => `${node} ${pid}`) : null;
    },
    'every node is back',
    returnMs,
  );
  const back = await lives.catch(() => null);
  return {
    atMs: performance.now(),
    detail: back === null ? 'NOT every node is back' : `all nodes have a role: ${back.join(', ')}`,
    confirmed: back !== null,
  };
}
