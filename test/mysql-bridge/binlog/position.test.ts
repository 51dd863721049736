import { expect, test } from 'vitest';
import { type BinlogPosition, comparePositions } from '../../../mysql-bridge/binlog/position.ts';

const ascending: readonly BinlogPosition[] = [
  { file: 'binlog.000001', offset: 158n },
  { file: 'binlog.000001', offset: 1n << 62n },
  { file: 'binlog.000002', offset: 4n },
  { file: 'binlog.999999', offset: 158n },
  // MySQL goes on with seven digits, which no comparison of strings survives.
  { file: 'binlog.1000000', offset: 158n },
];

test('places of a binlog are ordered by file and offset, whatever the length of their names', () => {
  for (const [at, left] of ascending.entries()) {
    for (const [other, right] of ascending.entries()) {
      expect(Math.sign(comparePositions(left, right))).toBe(Math.sign(at - other));
    }
  }
});
