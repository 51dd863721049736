import { expect, test } from 'vitest';
import { parseProcessWork } from '../../../bench/core/process-text.ts';

const io =
  'rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 0\nwrite_bytes: 4096\ncancelled_write_bytes: 7\n';
/** proc(5): the fields after the name begin with the third; the 14th and 15th are the ticks. */
const stat = '42 (node) S 1 42 42 0 -1 4194560 100 0 0 0 130 45 0 0 20 0 11 0 5000 1000 200';

test('the work of a process is its ticks in both modes, what went to the disk, and what it wrote', () => {
  expect(parseProcessWork(stat, io)).toEqual({
    cpuTicks: 175,
    diskBytes: 4096,
    writtenBytes: 20,
  });
});

test('a program may be called anything', () => {
  const odd = stat.replace('(node)', '(a) R 1 (b 7)');
  expect(parseProcessWork(odd, io)).toEqual(parseProcessWork(stat, io));
});

test.each([
  ['', io],
  [stat, ''],
  [stat.slice(0, 40), io],
  [stat, io.replace('write_bytes: 4096', 'write_bytes: many')],
])('what is cut short or no number is nothing: %j, %j', (statText, ioText) => {
  expect(parseProcessWork(statText, ioText)).toBeNull();
});
