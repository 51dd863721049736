import { expect, test } from 'vitest';
import type { NodeStatus } from '../../../admin/node-status.ts';
import { nodeStatus } from '../../support/node-status.ts';
import { replaysEnded } from './convergence.ts';

const nodes = ['n1', 'n2', 'n3'].map((id) => ({ id, directory: '' }));

function statusesOf(behind: Readonly<Record<string, readonly (number | null)[]>>) {
  const left = new Map(Object.entries(behind).map(([id, looks]) => [id, [...looks]]));
  return (node: string): Promise<NodeStatus | null> => {
    const entriesBehind = left.get(node)?.shift() ?? 0;
    return Promise.resolve(nodeStatus({ node, mysql: { entriesBehind } }));
  };
}

test('a server that applies the whole log again is waited for, and named', async () => {
  const ask = statusesOf({ n1: [0, 0, 0], n3: [300_000, 20_000, 9_000], n2: [0, 15_000, 0] });

  const { ids } = await replaysEnded({ nodes, ask });

  expect(ids).toEqual(['n2', 'n3']);
});

test('what the load leaves behind, and a node that gives no answer, are not waited for', async () => {
  const ask = statusesOf({ n1: [9_999] });
  const silent = (node: string): Promise<NodeStatus | null> =>
    node === 'n2' ? Promise.resolve(null) : ask(node);

  expect((await replaysEnded({ nodes, ask: silent })).ids).toEqual([]);
});
