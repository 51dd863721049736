import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecheckWindow } from '../../log-store/recheck-window.ts';
import { logIndex } from '../../raft/core/types.ts';

const segmentBytes = 100;

/**
 * The engine's rule (LevelDB `DBImpl::MakeRoomForWrite`): before a write, a buffer above its size becomes the immutable one,
 * and the one before it is a table by then. Its usage counts more than the bytes of the records, by `overhead`.
 */
class EngineBuffers {
  #immutable: number[] = [];
  #current: number[] = [];
  #usage = 0;

  write(write: number, usage: number): void {
    if (this.#usage > segmentBytes) {
      this.#immutable = this.#current;
      this.#current = [];
      this.#usage = 0;
    }
    this.#current.push(write);
    this.#usage += usage;
  }

  get oldest(): number {
    return this.#immutable[0] ?? this.#current[0] ?? 0;
  }
}

test('the window covers all that the engine may still hold in its write-ahead log', () => {
  const writes = fc.array(
    fc.record({ bytes: fc.oneof(fc.nat(40), fc.nat(1000)), overhead: fc.nat(60) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(writes, (sequence) => {
      const window = new RecheckWindow({ from: logIndex(1), segmentBytes });
      const engine = new EngineBuffers();
      for (const [at, { bytes, overhead }] of sequence.entries()) {
        const index = at + 1;
        engine.write(index, bytes + overhead);
        window.add(logIndex(index), bytes);
        expect(window.from).toBeLessThanOrEqual(engine.oldest);
      }
    }),
  );
});

test('the window moves on, so that a long log is not read whole', () => {
  const window = new RecheckWindow({ from: logIndex(1), segmentBytes });

  for (let index = 1; index <= 1000; index += 1) window.add(logIndex(index), 50);

  expect(window.from).toBeGreaterThan(980);
});

test('a truncation moves the window back', () => {
  const window = new RecheckWindow({ from: logIndex(500), segmentBytes });

  window.truncate(logIndex(20));
  window.add(logIndex(20), 10);

  expect(window.from).toBe(20);
});
