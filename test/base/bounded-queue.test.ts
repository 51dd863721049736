import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedQueue } from '../../base/bounded-queue.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.nat().map((item) => ({ kind: 'push' as const, item })) },
  { weight: 3, arbitrary: fc.constant({ kind: 'shift' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
);

test('it behaves as an array that refuses to grow past its maximum', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step), (lengthMax, steps) => {
      const queue = new BoundedQueue<number>(lengthMax);
      const naive: number[] = [];
      for (const action of steps) {
        if (action.kind === 'push') {
          const isTaken = naive.length < lengthMax;
          expect(queue.push(action.item)).toBe(isTaken);
          if (isTaken) naive.push(action.item);
        } else if (action.kind === 'shift') {
          expect(queue.shift()).toBe(naive.shift());
        } else {
          queue.clear();
          naive.length = 0;
        }
        expect(queue.length).toBe(naive.length);
      }
    }),
  );
});

test.each([0, -1, 1.5, Number.NaN])('a maximum of %d is a bug', (lengthMax) => {
  expect(() => new BoundedQueue(lengthMax)).toThrow('at least one item');
});
