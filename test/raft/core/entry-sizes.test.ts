import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntrySizes } from '../../../raft/core/entry-sizes.ts';
import { logIndex } from '../../../raft/core/types.ts';

const capacity = 8;

/** The real sizes beside a map that forgets by hand. */
class Twins {
  readonly sizes: EntrySizes;
  readonly naive = new Map<number, number>();
  last: number;

  constructor(lastIndex: number) {
    this.sizes = new EntrySizes({ capacity, lastIndex: logIndex(lastIndex) });
    this.last = lastIndex;
  }

  append(amount: number): void {
    for (let count = 0; count < amount; count += 1) {
      this.last += 1;
      this.sizes.push(logIndex(this.last), this.last * 10);
      this.naive.set(this.last, this.last * 10);
      this.naive.delete(this.last - capacity);
    }
  }

  truncate(amount: number): void {
    const left = Math.max(0, this.last - amount);
    if (left < this.last) this.sizes.truncateFrom(logIndex(left + 1));
    for (; this.last > left; this.last -= 1) this.naive.delete(this.last);
  }
}

test('the newest sizes are known, the older and the cut off are not', () => {
  const actions = fc.array(
    fc.record({ isTruncation: fc.boolean(), amount: fc.integer({ min: 1, max: 12 }) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(actions, fc.nat(20), (script, lastIndex) => {
      const twins = new Twins(lastIndex);
      for (const { isTruncation, amount } of script) {
        if (isTruncation) twins.truncate(amount);
        else twins.append(amount);
      }

      for (let index = 0; index <= twins.last + 2; index += 1) {
        expect(twins.sizes.at(index)).toBe(twins.naive.get(index) ?? null);
      }
    }),
  );
});
