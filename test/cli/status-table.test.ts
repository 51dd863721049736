import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { ClusterStatus } from '../../admin/node-status.ts';
import { duration, renderStatus } from '../../cli/status-table.ts';
import { logIndex } from '../../raft/core/types.ts';
import { nodeStatus } from '../support/node-status.ts';

const nowMs = 90_000;
const cluster: ClusterStatus = {
  askedNode: 'n1',
  nodes: [
    {
      kind: 'reached',
      id: 'n1',
      status: nodeStatus({
        node: 'n1',
        raft: { role: 'leader', commitIndex: logIndex(120_000) },
        mysql: { role: 'primary' },
      }),
    },
    {
      kind: 'reached',
      id: 'n2',
      status: nodeStatus({
        node: 'n2',
        mysql: { role: 'joining', health: 'starting', reason: 'following', complaints: ['late'] },
      }),
    },
    { kind: 'unreachable', id: 'n3', address: '127.0.0.1:7305', reason: 'ECONNREFUSED' },
  ],
};

test('the table lines up, and says at the end of a line what is wrong', () => {
  expect(renderStatus(cluster, { colours: false, nowMs }).split('\n')).toEqual([
    'node  raft         term  commit  applied  behind  mysql    health    since',
    'n1    leader          3  120000        7       1  primary  ok         90 s',
    'n2    follower        3       8        7       1  joining  starting   90 s  following; late',
    'n3    unreachable     -       -        -       -  -        -             -  127.0.0.1:7305: ECONNREFUSED',
  ]);
});

test('a follower that is no voter is called by what it is', () => {
  const words = [
    { memberKind: 'learner' as const },
    { memberKind: null, isRemoved: true },
    { memberKind: 'voter' as const, role: 'candidate' as const },
  ].map((raft) => {
    const status = nodeStatus({ node: 'n1', raft });
    const nodes = [{ kind: 'reached' as const, id: 'n1', status }];
    const table = renderStatus({ askedNode: 'n1', nodes }, { colours: false, nowMs });
    return table.split('\n')[1]?.split(/ +/)[1];
  });
  expect(words).toEqual(['learner', 'removed', 'candidate']);
});

test('colours change no letter, and are there only when asked for', () => {
  const plain = renderStatus(cluster, { colours: false, nowMs });
  const coloured = renderStatus(cluster, { colours: true, nowMs });
  expect(plain).not.toContain('\u001b');
  expect(stripVTControlCharacters(coloured)).toBe(plain);
});

test.each([
  [-5, '0 ms'],
  [0, '0 ms'],
  [999, '999 ms'],
  [1000, '1 s'],
  [119_999, '120 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('%d ms read as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
