import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InflightWindow } from '../../../raft/core/inflight-window.ts';
import { logIndex } from '../../../raft/core/types.ts';

test('the window holds and frees what an array of appends would', () => {
  const limits = fc.record({
    countMax: fc.integer({ min: 1, max: 6 }),
    bytesMax: fc.integer({ min: 1, max: 100 }),
  });
  const actions = fc.array(
    fc.record({ isAdd: fc.boolean(), step: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(60) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(limits, actions, (drawn, script) => {
      const window = new InflightWindow(drawn);
      let naive: { lastIndex: number; bytes: number }[] = [];
      let sent = 0;
      let freed = 0;

      for (const { isAdd, step, bytes } of script) {
        if (isAdd && !window.isFull) {
          sent += step;
          window.add({ lastIndex: logIndex(sent), bytes });
          naive.push({ lastIndex: sent, bytes });
        } else if (!isAdd) {
          freed = Math.min(sent, freed + step);
          window.freeUpTo(logIndex(freed));
          naive = naive.filter((append) => append.lastIndex > freed);
        }

        const sum = naive.reduce((total, append) => total + append.bytes, 0);
        expect(window.count).toBe(naive.length);
        expect(window.isFull).toBe(naive.length >= drawn.countMax || sum >= drawn.bytesMax);
      }
    }),
  );
});

test('an append of any size passes an empty window', () => {
  const window = new InflightWindow({ countMax: 4, bytesMax: 10 });

  window.add({ lastIndex: logIndex(1), bytes: 1_000_000 });

  expect(window.isFull).toBe(true);
  window.freeUpTo(logIndex(1));
  expect(window.isFull).toBe(false);
});
