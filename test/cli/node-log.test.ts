import { existsSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeLog } from '../../cli/node-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const trimMs = 10_000;

test('a log that grows too large in one run is kept as .1 and begun anew, while its writer goes on', () => {
  using folder = temporaryFolder();
  const clock = new FakeClock();
  const path = join(folder.path, 'node.log');
  const log = new NodeLog(path, clock, { bytesMax: 10 });

  log.lend((file) => {
    writeSync(file, 'first lines\n');
    clock.advance(trimMs);
    writeSync(file, 'next\n');
    expect(readFileSync(path, 'utf8')).toBe('next\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('first lines\n');

    writeSync(file, 'and so on\n');
    clock.advance(trimMs);
    expect(readFileSync(path, 'utf8')).toBe('');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('next\nand so on\n');
  });
  log.close();
});

test('a log within its maximum is left alone', () => {
  using folder = temporaryFolder();
  const clock = new FakeClock();
  const path = join(folder.path, 'node.log');
  const log = new NodeLog(path, clock, { bytesMax: 100 });
  log.lend((file) => writeSync(file, 'short\n'));
  clock.advance(trimMs);
  expect(existsSync(`${path}.1`)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('short\n');
  log.close();
});

test('a log whose folder is gone troubles nobody', () => {
  const clock = new FakeClock();
  const log = new NodeLog('/nonexistent/node.log', clock);
  expect(() => clock.advance(trimMs)).not.toThrow();
  log.close();
});
