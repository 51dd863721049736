import { expect, test } from 'vitest';
import type { Message } from '../../../raft/core/messages.ts';
import { logIndex, nodeId, term } from '../../../raft/core/types.ts';
import { AnswersCounted } from './answers-counted.ts';
import { membershipOf, recordingJudge } from './judging.ts';
import type { RaftView } from './raft-checker.ts';

const [n1, n2, n3] = [nodeId('n1'), nodeId('n2'), nodeId('n3')];

/** One leader of term 3, and what it thinks of n2; only what the checker looks at. */
class Leader {
  readonly id = n1;
  status: object = {};

  knows(matchIndex: number, quorumRound = 0): RaftView {
    this.status = {
      role: 'leader',
      term: term(3),
      membership: membershipOf('n1', 'n2', 'n3'),
      membershipIndex: 0,
      quorumRound,
      peers: [
        { id: n2, matchIndex: logIndex(matchIndex) },
        { id: n3, matchIndex: logIndex(0) },
      ],
    };
    return this as unknown as RaftView;
  }
}

function answer(inTerm: number, matchIndex: number, readRound = 0): Message {
  return {
    kind: 'append-response',
    term: term(inTerm),
    readRound,
    appliedIndex: logIndex(0),
    result: { kind: 'matched', matchIndex: logIndex(matchIndex) },
  };
}

const follower = { id: n2 } as unknown as RaftView;

test('a leader may count what it was told in its term, late and in any order', () => {
  const { judge, broken } = recordingJudge();
  const checker = new AnswersCounted(judge);
  checker.sent(follower, n1, answer(3, 7));
  checker.sent(follower, n1, answer(3, 5));
  checker.sent(follower, n3, answer(4, 9));
  const late = { kind: 'message', from: n2, message: answer(3, 7) } as const;
  checker.stepped(new Leader().knows(7), late, []);
  expect(broken).toEqual([]);
});

test('what was said in an earlier term, or to another leader, counts for nothing (I12)', () => {
  const { judge, broken } = recordingJudge();
  const checker = new AnswersCounted(judge);
  checker.sent(follower, n1, answer(1, 7));
  checker.sent(follower, n3, answer(3, 7));
  checker.sent(follower, n1, answer(3, 6));
  const late = { kind: 'message', from: n2, message: answer(1, 7) } as const;
  checker.stepped(new Leader().knows(7), late, []);
  expect(broken).toEqual(['I12']);
});

test('a round is confirmed by a quorum that echoed it in this term, or it is not (C8)', () => {
  const { judge, broken } = recordingJudge();
  const checker = new AnswersCounted(judge);
  const leader = new Leader();
  checker.stepped(leader.knows(0), { kind: 'tick' }, []);
  checker.sent(follower, n1, answer(3, 0, 4));
  checker.stepped(leader.knows(0, 4), { kind: 'tick' }, []);
  expect(broken).toEqual([]);
  checker.sent(follower, n1, answer(1, 0, 5));
  checker.stepped(leader.knows(0, 5), { kind: 'tick' }, []);
  expect(broken).toEqual(['C8']);
});
