import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCampaign } from '../kill/campaign.ts';
import { BinraftCluster } from '../support/binraft-cluster.ts';

// The short form of `npm run test:kill`. Goal: nothing acknowledged is lost, nothing unsent or refused appears, all nodes end
// equal, whatever of the leader is killed. Method: eight writers, faults under load, histories against contents (N3, N5).

let cluster: BinraftCluster;

beforeAll(async () => {
  cluster = await BinraftCluster.start({ basePort: 23_000 });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

test.for([
  ['sidecar', 2],
  ['mysqld', 2],
  ['both', 2],
  ['pause', 1],
] as const)(
  'no acknowledged write is lost when the leader suffers: %s (G2, G3, G4, G8)',
  async ([kind, rounds]) => {
    const report = await runCampaign({ cluster, kind, rounds, writers: 8 });

    expect(report.verdict.violations).toEqual([]);
    expect(report.gapsMs).toHaveLength(rounds);
    expect(report.verdict.acked).toBeGreaterThanOrEqual(400 * rounds);
  },
);
