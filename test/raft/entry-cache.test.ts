import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../raft/core/entry.ts';
import { logIndex } from '../../raft/core/types.ts';
import { EntryCache } from '../../raft/entry-cache.ts';
import { entries } from './shell-fakes.ts';

const everything = Number.MAX_SAFE_INTEGER;

test('the oldest durable entries leave when memory is short', () => {
  const cache = new EntryCache({ bytesMax: 3000 });
  cache.append(entries(1, 10, { bytes: 500 }));
  expect(cache.length).toBe(10);

  cache.markDurable(logIndex(10));

  expect(cache.bytes).toBeLessThanOrEqual(3000);
  expect(cache.firstIndex).toBe(7);
  expect(cache.read({ first: 6, last: 10, bytesMax: everything })).toBeNull();
  expect(cache.read({ first: 7, last: 8, bytesMax: everything })).toEqual(
    entries(7, 8, { bytes: 500 }),
  );
});

test('an entry that is not durable stays, however short memory is', () => {
  const cache = new EntryCache({ bytesMax: 1 });

  cache.append(entries(1, 5));
  cache.markDurable(logIndex(3));

  expect(cache.firstIndex).toBe(4);
  expect(cache.length).toBe(2);
});

test('what was compacted away leaves, durable or not, and the next entries may begin anywhere behind', () => {
  const cache = new EntryCache({ bytesMax: 1_000_000 });
  cache.append(entries(1, 5));

  cache.compactTo(logIndex(3));
  expect(cache.firstIndex).toBe(4);
  expect(cache.read({ first: 3, last: 5, bytesMax: everything })).toBeNull();
  expect(cache.read({ first: 4, last: 5, bytesMax: everything })).toEqual(entries(4, 5));
  cache.compactTo(logIndex(90));
  cache.append(entries(91, 92));

  expect(cache.firstIndex).toBe(91);
  expect(cache.bytes).toBeLessThan(1000);
});

test('entries that took the place of durable ones are not taken for durable', () => {
  const cache = new EntryCache({ bytesMax: 1 });
  cache.append(entries(1, 5));
  cache.markDurable(logIndex(2));

  cache.truncateFrom(logIndex(2));
  cache.append(entries(2, 4, { term: 2 }));

  expect(cache.read({ first: 2, last: 4, bytesMax: everything })).toEqual(
    entries(2, 4, { term: 2 }),
  );
});

test('a read is cut once enough payload bytes are found, after one entry at least', () => {
  const cache = new EntryCache({ bytesMax: everything });
  cache.append(entries(1, 5, { bytes: 100 }));

  expect(cache.read({ first: 2, last: 5, bytesMax: 150 })).toHaveLength(2);
  expect(cache.read({ first: 2, last: 5, bytesMax: 1 })).toHaveLength(1);
  expect(cache.read({ first: 2, last: 3, bytesMax: everything })).toHaveLength(2);
});

test('whatever it holds is what an array of all entries holds there', () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), count: fc.nat(5) }),
    fc.record({ kind: fc.constant('truncate' as const), back: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ kind: fc.constant('durable' as const), back: fc.nat(6) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const cache = new EntryCache({ bytesMax: 700 });
      const model: Entry[] = [];
      let durable = 0;
      for (const [place, run] of commands.entries()) {
        if (run.kind === 'append') {
          const added = entries(model.length + 1, model.length + run.count, { term: place + 1 });
          model.push(...added);
          cache.append(added);
        } else if (run.kind === 'truncate') {
          const from = Math.max(1, model.length + 1 - run.back);
          model.length = from - 1;
          durable = Math.min(durable, from - 1);
          cache.truncateFrom(logIndex(from));
        } else {
          durable = Math.max(durable, model.length - run.back);
          cache.markDurable(logIndex(durable));
        }
        const held = cache.read({
          first: cache.firstIndex ?? 1,
          last: model.length,
          bytesMax: everything,
        });
        expect(held ?? []).toEqual(model.slice(model.length - cache.length));
        expect(cache.length).toBeGreaterThanOrEqual(Math.min(model.length - durable, cache.length));
        const firstHeld = cache.firstIndex ?? model.length + 1;
        expect(firstHeld <= durable + 1 || model.length === durable).toBe(true);
      }
    }),
  );
});
