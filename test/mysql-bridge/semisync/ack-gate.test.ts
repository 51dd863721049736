import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import {
  type AckEffect,
  AckGate,
  type AckGateInput,
} from '../../../mysql-bridge/semisync/ack-gate.ts';
import { logIndex, term } from '../../../raft/core/types.ts';

type ReceivedInput = Extract<AckGateInput, { kind: 'received' }>;

const own = 5;

describe('an ack is sent for what is committed, and for nothing else (G1)', () => {
  test('a commit releases all received transactions up to it with one ack', () => {
    const gate = newGate();
    gate.step(received(1));
    gate.step(received(2));
    gate.step(received(3));

    expect(gate.step(committed(2))).toEqual([ack(2)]);
    expect(gate.step(committed(3))).toEqual([ack(3)]);
    expect(gate.pendingCount).toBe(0);
  });

  test('a transaction that arrives behind its commit is acked at once', () => {
    const gate = newGate();
    gate.step(committed(7));

    expect(gate.step(received(7))).toEqual([ack(7)]);
  });

  test('the same commit twice, or an older one, sends nothing', () => {
    const gate = newGate();
    gate.step(received(1));
    gate.step(committed(1));

    expect(gate.step(committed(1))).toEqual([]);
    expect(gate.step(committed(0))).toEqual([]);
  });

  test('a transaction nobody waits for is not acked', () => {
    const gate = newGate();
    gate.step(received(1, { needsAck: false }));

    expect(gate.step(committed(1))).toEqual([]);
  });

  test('a transaction nobody waits for still holds back those behind it', () => {
    const gate = newGate();
    gate.step(received(9, { needsAck: false }));
    gate.step({ ...received(3), position: at('binlog.000002', 4) });

    expect(gate.step(committed(8))).toEqual([]);
    expect(gate.step(committed(9))).toHaveLength(1);
  });

  test('files are ordered as they came, whatever their names (H35)', () => {
    const gate = newGate();
    gate.step({ ...received(1), position: at('binlog.999999', 900) });
    gate.step({ ...received(2), position: at('binlog.1000000', 200) });

    expect(gate.step(committed(1))).toEqual([{ kind: 'ack', position: at('binlog.999999', 900) }]);
    expect(gate.step(committed(2))).toEqual([{ kind: 'ack', position: at('binlog.1000000', 200) }]);
  });
});

describe('nothing is sent once the leadership ended (G7)', () => {
  test.each<[string, AckGateInput]>([
    ['the leadership ended', { kind: 'leadership-ended' }],
    ['a commit of a higher term', committed(0, own + 1)],
    ['a transaction proposed in a higher term', received(2, { inTerm: own + 1 })],
    ['a transaction proposed in a lower term', received(2, { inTerm: own - 1 })],
  ])('%s shuts the gate for ever', (_, input) => {
    const gate = newGate();
    gate.step(received(1));

    expect(gate.step(input)).toEqual([]);

    expect(gate.isOpen).toBe(false);
    expect(gate.step(committed(9))).toEqual([]);
    expect(gate.step(received(2))).toEqual([]);
    expect(gate.pendingCount).toBe(0);
  });

  test('a commit of an earlier term counts for nothing', () => {
    const gate = newGate();
    gate.step(received(1));

    expect(gate.step(committed(9, own - 1))).toEqual([]);
    expect(gate.isOpen).toBe(true);
  });
});

describe('memory is bounded', () => {
  test('when full, the newest two share an ack', () => {
    const gate = new AckGate({ term: term(own), pendingMax: 2 });
    for (const index of [1, 2, 3, 4]) gate.step(received(index));

    expect(gate.pendingCount).toBe(2);
    expect(gate.step(committed(1))).toEqual([ack(1)]);
    expect(gate.step(committed(3))).toEqual([]);
    expect(gate.step(committed(4))).toEqual([ack(4)]);
  });
});

test('any history gives the acks of a naive model', () => {
  const inputs = fc.array(
    fc.oneof(
      {
        weight: 10,
        arbitrary: fc
          .tuple(fc.integer({ min: 1, max: 30 }), fc.boolean(), fc.constantFrom(own, own, own, 4))
          .map(([index, needsAck, inTerm]) => received(index, { needsAck, inTerm })),
      },
      {
        weight: 10,
        arbitrary: fc
          .tuple(fc.nat(30), fc.constantFrom(own, own, own, own - 1, own + 1))
          .map(([index, inTerm]) => committed(index, inTerm)),
      },
      { weight: 1, arbitrary: fc.constant<AckGateInput>({ kind: 'leadership-ended' }) },
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(inputs, (history) => {
      const numbered = history.map((input, sequence) =>
        input.kind === 'received' ? { ...input, position: at('binlog.000001', sequence) } : input,
      );
      const gate = newGate();

      const effects = numbered.map((input) => gate.step(input));

      expect(effects).toEqual(naiveAcks(numbered));
    }),
    { numRuns: 500 },
  );
});

/** Looks at the whole history again at every step. */
function naiveAcks(history: readonly AckGateInput[]): AckEffect[][] {
  let lastAcked: BinlogPosition | null = null;
  return history.map((_, now) => {
    const seen = history.slice(0, now + 1);
    const isOver = seen.some(
      (input) =>
        input.kind === 'leadership-ended' ||
        (input.kind === 'committed' && input.term > own) ||
        (input.kind === 'received' && input.term !== own),
    );
    if (isOver) return [];
    const commitIndex = Math.max(
      0,
      ...seen.map((input) =>
        input.kind === 'committed' && input.term === own ? input.commitIndex : 0,
      ),
    );
    const transactions = seen.filter((input) => input.kind === 'received');
    const firstOpen = transactions.findIndex(({ lastIndex }) => lastIndex > commitIndex);
    const prefix = transactions.slice(0, firstOpen === -1 ? undefined : firstOpen);
    const highest = prefix.findLast(({ needsAck }) => needsAck)?.position;
    if (highest === undefined || highest === lastAcked) return [];
    lastAcked = highest;
    return [{ kind: 'ack', position: highest }];
  });
}

function newGate(): AckGate {
  return new AckGate({ term: term(own) });
}

function received(
  index: number,
  { needsAck = true, inTerm = own }: { needsAck?: boolean; inTerm?: number } = {},
): ReceivedInput {
  return {
    kind: 'received',
    position: at('binlog.000001', index * 100),
    lastIndex: logIndex(index),
    term: term(inTerm),
    needsAck,
  };
}

function committed(index: number, inTerm = own): AckGateInput {
  return { kind: 'committed', commitIndex: logIndex(index), term: term(inTerm) };
}

function ack(index: number): AckEffect {
  return { kind: 'ack', position: at('binlog.000001', index * 100) };
}

function at(file: string, offset: number): BinlogPosition {
  return { file, offset: BigInt(offset) };
}
