import { expect, test } from 'vitest';
import { defaultRaftTimings } from '../../../raft/core/config.ts';
import { Progress } from '../../../raft/core/progress.ts';
import { logIndex, nodeId } from '../../../raft/core/types.ts';

const config = { ...defaultRaftTimings, self: nodeId('n1'), initialMembers: [] };

test('a follower not heard of in this term is asked the same again after it was unreachable', () => {
  const progress = new Progress(config, logIndex(474_469));
  progress.sent({ lastIndex: logIndex(474_468), bytes: 0 });

  progress.probeAgain();

  // Not 1: every node that comes back after an election would be sent the whole log.
  expect(progress.nextIndex).toBe(474_469);
  expect(progress.mode).toEqual({ kind: 'probe', isAsked: false });
});

test('a follower that was replicated to is asked again behind what it is known to hold', () => {
  const progress = new Progress(config, logIndex(100));
  progress.sent({ lastIndex: logIndex(99), bytes: 0 });
  progress.matched(logIndex(99));
  progress.sent({ lastIndex: logIndex(150), bytes: 10 });

  progress.probeAgain();

  expect(progress.nextIndex).toBe(100);
});
