import { expect, test } from 'vitest';
import { changeMembers } from '../../cli/change-members.ts';
import type { MemberConfig } from '../../cli/config-schema.ts';
import { logIndex, nodeId } from '../../raft/core/types.ts';
import {
  MembershipRefusedError,
  MembershipUnsettledError,
  NotLeaderError,
  ShuttingDownError,
} from '../../raft/errors.ts';
import type { MemberChange } from '../../raft/index.ts';

const member: MemberConfig = {
  id: 'n3',
  host: 'db3.example',
  raftPort: 7101,
  adminPort: 7102,
  forwardReadWritePort: 7103,
  forwardReadOnlyPort: 7104,
};

test('a node that comes back is a learner, found where the settings say, and becomes a voter', async () => {
  const asked: (readonly MemberChange[])[] = [];
  const raft = {
    changeMembership: (changes: readonly MemberChange[]) => {
      asked.push(changes);
      return Promise.resolve(logIndex(9));
    },
  };

  const report = await changeMembers(raft, [member], { kind: 'add', node: 'n3' });

  expect(report).toEqual({ outcome: 'changed', reason: 'committed at index 9' });
  const address = { host: 'db3.example', port: 7101 };
  expect(asked).toEqual([
    [{ kind: 'add', member: { id: 'n3', kind: 'learner', address, promotion: 'voter' } }],
  ]);
});

test.for([
  [new MembershipRefusedError('not-ready', 'too early'), 'refused'],
  [new NotLeaderError(nodeId('n2')), 'refused'],
  [new MembershipUnsettledError(null), 'unknown'],
  [new ShuttingDownError(), 'unknown'],
] as const)('%s ends a change as %s', async ([error, outcome]) => {
  const raft = { changeMembership: () => Promise.reject(error) };

  const report = await changeMembers(raft, [member], { kind: 'remove', node: 'n3' });

  expect(report).toEqual({ outcome, reason: error.message });
});
