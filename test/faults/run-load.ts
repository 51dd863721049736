import { join } from 'node:path';
import { type Check, simpleCheck } from './judge/check.ts';
import { type ControlRun, runControl } from './judge/control-run.ts';
import { checkConvergence } from './judge/convergence.ts';
import { controlledStream } from './judge/stream-checks.ts';
import type { RecordedLoad, RunningLoad, WorkloadName } from './load/workload.ts';
import type { RunningSite } from './site/start-site.ts';
import type { FaultEvent } from './site.ts';

/** Healed, all nodes agree within this time. */
const settleMsMax = 60_000;
const controlRoundMs = 15_000;
const controlRatePerSecond = 200;

/** What one plain server shows, before there is a cluster to share the machine with; null where nothing is compared with it. */
export async function controlFor(
  workloads: readonly WorkloadName[],
  options: { readonly out: string; readonly seed: number; readonly signal: AbortSignal },
): Promise<ControlRun | null> {
  if (!workloads.includes(controlledStream)) return null;
  return await runControl({
    out: join(options.out, 'control'),
    seed: options.seed,
    signal: options.signal,
    ratePerSecond: controlRatePerSecond,
    roundMs: controlRoundMs,
  });
}

/** Ends the load on a healed cluster, and sees all nodes become equal. */
export async function concludeLoad(run: {
  readonly site: RunningSite;
  readonly load: RunningLoad;
  readonly events: readonly FaultEvent[];
}): Promise<{ readonly load: RecordedLoad; readonly others: readonly Check[] }> {
  const { site, load, events } = run;
  await load.quiesce();
  const convergence = await checkConvergence({
    nodes: site.nodes,
    ask: (id) => site.status(id),
    withinMs: settleMsMax,
  });
  const recorded = await load.stop(
    events.map(({ nemesis, variant, ...note }) => ({ ...note, nemesis: `${nemesis}-${variant}` })),
  );
  return { load: recorded, others: [convergence, nodesCheck(site)] };
}

function nodesCheck({ nodes, givenUp }: RunningSite): Check {
  return simpleCheck({
    group: 'convergence',
    name: 'nodes that run',
    summary: `${nodes.length - givenUp.length} of ${nodes.length} nodes run`,
    violations: givenUp.map((id) => `${id} stopped for good`),
  });
}
