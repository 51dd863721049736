import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logIndex } from '../../../raft/core/types.ts';
import { UncommittedBytes } from '../../../raft/core/uncommitted-bytes.ts';

test('the bytes counted are those of the proposals that are not wholly committed', () => {
  const actions = fc.array(
    fc.record({ isCommit: fc.boolean(), count: fc.integer({ min: 1, max: 4 }), bytes: fc.nat(50) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(actions, fc.integer({ min: 1, max: 200 }), (script, bytesMax) => {
      const uncommitted = new UncommittedBytes(bytesMax);
      let naive: { lastIndex: number; bytes: number }[] = [];
      let last = 0;
      let committed = 0;

      for (const { isCommit, count, bytes } of script) {
        if (isCommit) {
          committed = Math.min(last, committed + count);
          uncommitted.commitTo(logIndex(committed));
          naive = naive.filter(({ lastIndex }) => lastIndex > committed);
        } else {
          last += count;
          uncommitted.add({ lastIndex: logIndex(last), bytes });
          naive.push({ lastIndex: last, bytes });
        }

        const sum = naive.reduce((total, proposal) => total + proposal.bytes, 0);
        expect(uncommitted.hasRoomFor(10)).toBe(sum === 0 || sum + 10 <= bytesMax);
      }
    }),
  );
});
