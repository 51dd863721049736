import { expect, test } from 'vitest';
import { CommitRounds } from '../../proxy/commit-rounds.ts';
import { SharedGate } from '../../proxy/shared-gate.ts';
import { logIndex, term } from '../../raft/core/types.ts';

// C8. Goal: a commit confirms leadership for what came before its proposal, and for nothing else.

interface Parts {
  readonly gate: SharedGate;
  readonly rounds: CommitRounds;
  readonly news: () => number;
  propose(lastIndex: number, inTerm?: number): void;
}

function parts(): Parts {
  const gate = SharedGate.allocate(1);
  let news = 0;
  const rounds = new CommitRounds(gate, () => {
    news += 1;
  });
  const propose = (lastIndex: number, inTerm = 2): void => {
    const firstIndex = logIndex(lastIndex);
    rounds.propose(() => ({ term: term(inTerm), firstIndex, count: 1 }));
  };
  return { gate, rounds, propose, news: () => news };
}

test('a commit confirms what came before its proposal, once it is committed and not before', () => {
  const { gate, rounds, propose, news } = parts();
  const needed = gate.nextRound;
  propose(5);
  rounds.committed(logIndex(4), term(2));
  expect(gate.isConfirmed(needed)).toBe(false);
  expect(news()).toBe(0);

  rounds.committed(logIndex(5), term(2));
  expect(gate.isConfirmed(needed)).toBe(true);
  expect(news()).toBe(1);
});

test('a commit confirms nothing for a command that came after its proposal', () => {
  const { gate, rounds, propose } = parts();
  propose(5);
  const needed = gate.nextRound;
  rounds.committed(logIndex(9), term(2));
  expect(gate.isConfirmed(needed)).toBe(false);
});

test('a round counts as started before its entry can be on its way', () => {
  const { gate, rounds } = parts();
  const before = gate.nextRound;
  rounds.propose(() => {
    expect(gate.nextRound).not.toBe(before);
    return { term: term(2), firstIndex: logIndex(1), count: 1 };
  });
});

test('what was proposed in another term confirms nothing, whatever is committed at its index', () => {
  const { gate, rounds, propose, news } = parts();
  const needed = gate.nextRound;
  propose(5, 2);
  rounds.committed(logIndex(9), term(3));
  expect(gate.isConfirmed(needed)).toBe(false);
  expect(news()).toBe(0);

  const neededThen = gate.nextRound;
  propose(10, 3);
  rounds.committed(logIndex(10), term(2));
  expect(gate.isConfirmed(neededThen)).toBe(false);
  rounds.committed(logIndex(10), term(3));
  expect(gate.isConfirmed(neededThen)).toBe(true);
});

test('a proposal that is refused confirms nothing, and passes its error on', () => {
  const { gate, rounds } = parts();
  const needed = gate.nextRound;
  const refuse = (): never => {
    throw new Error('not the leader');
  };
  expect(() => rounds.propose(refuse)).toThrow('not the leader');
  rounds.committed(logIndex(100), term(2));
  expect(gate.isConfirmed(needed)).toBe(false);
});

test('proposals beyond those followed confirm nothing; room is made by commits', () => {
  const { gate, rounds, propose } = parts();
  for (let index = 1; index <= 1024; index += 1) propose(index);
  const needed = gate.nextRound;
  propose(1025);
  rounds.committed(logIndex(1025), term(2));
  expect(gate.isConfirmed(needed)).toBe(false);
  propose(1026);
  rounds.committed(logIndex(1026), term(2));
  expect(gate.isConfirmed(needed)).toBe(true);
});

test('a round that is asked for is started although proposals have taken its number', () => {
  const { gate, rounds, propose } = parts();
  const { round } = gate.requestRound();
  propose(1);
  const started = gate.startRound();
  expect(started).toBe(round + 1n);
  expect(gate.hasUnconfirmedRounds).toBe(true);
  expect(gate.startRound()).toBeNull();
  gate.confirmRound(round + 1n);
  expect(gate.isConfirmed(round)).toBe(true);
  // Not confirmed, and nobody asked for it.
  propose(2);
  expect(gate.hasUnconfirmedRounds).toBe(false);
  rounds.committed(logIndex(2), term(2));
  expect(gate.isConfirmed(round + 2n)).toBe(true);
});
