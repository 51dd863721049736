import { expect, test } from 'vitest';
import type { Message } from '../../../raft/core/messages.ts';
import { nodeId, term } from '../../../raft/core/types.ts';
import { ElectionSafety } from './election-safety.ts';
import { membershipOf, recordingJudge } from './judging.ts';
import type { RaftView } from './raft-checker.ts';

/** Only what the checker looks at. */
function member(id: string, role: 'leader' | 'follower', ownVoteIn: number): RaftView {
  const status = { role, term: term(2), membership: membershipOf('n1', 'n2', 'n3') };
  const hardState = { term: term(ownVoteIn), votedFor: nodeId(id) };
  return { id: nodeId(id), status, disk: { content: { hardState } } } as unknown as RaftView;
}

function vote(inTerm: number, granted = true): Message {
  return { kind: 'vote-response', term: term(inTerm), granted };
}

test('who leads with its own durable vote and one of three keeps Election Safety (I1)', () => {
  const { judge, broken } = recordingJudge();
  const checker = new ElectionSafety(judge);
  checker.sent(member('n2', 'follower', 1), nodeId('n1'), vote(2));
  checker.stepped(member('n1', 'leader', 2), { kind: 'tick' }, []);
  expect(broken).toEqual([]);
  expect(checker.elections).toBe(1);
});

test.each([
  ['a vote of an earlier term', vote(1), 2],
  ['a denial', vote(2, false), 2],
  ['an own vote that is not durable', vote(2), 1],
] as const)('%s elects nobody (R1, R3)', (_what, message, ownVoteIn) => {
  const { judge, broken } = recordingJudge();
  const checker = new ElectionSafety(judge);
  checker.sent(member('n2', 'follower', 1), nodeId('n1'), message);
  checker.stepped(member('n1', 'leader', ownVoteIn), { kind: 'tick' }, []);
  expect(broken).toEqual(['I1']);
});

test('a vote told twice is one vote, and one for another candidate none', () => {
  const { judge, broken } = recordingJudge();
  const checker = new ElectionSafety(judge);
  const voter = member('n2', 'follower', 1);
  for (let times = 0; times < 3; times += 1) checker.sent(voter, nodeId('n3'), vote(2));
  checker.stepped(member('n1', 'leader', 2), { kind: 'tick' }, []);
  expect(broken).toEqual(['I1']);
});

test('two leaders in one term break Election Safety (I1)', () => {
  const { judge, broken } = recordingJudge();
  const checker = new ElectionSafety(judge);
  for (const candidate of ['n1', 'n3']) {
    checker.sent(member('n2', 'follower', 1), nodeId(candidate), vote(2));
    checker.stepped(member(candidate, 'leader', 2), { kind: 'tick' }, []);
  }
  expect(broken).toEqual(['I1']);
});
