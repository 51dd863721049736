import { expect, test } from 'vitest';
import { fatalCauseOf } from '../../../mysql-bridge/server/explain-failure.ts';

test.each([
  ['[ERROR] [MY-012639] [InnoDB] Write to file ./ibdata1 failed (errno: 28)', 'DISK_FULL'],
  ['[ERROR] Could not write: No space left on device', 'DISK_FULL'],
  [
    '[ERROR] [MY-010187] Could not open file for error logging: Permission denied',
    'DATA_NOT_WRITABLE',
  ],
  [
    '[ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 13 (errno: 13)',
    'DATA_NOT_WRITABLE',
  ],
])('%s means %s', (line, code) => {
  expect(fatalCauseOf(['[ERROR] something', line], '/srv/db')).toMatchObject({
    code,
    message: expect.stringContaining(line),
  });
});

test('other errors have no cause that could be told', () => {
  expect(fatalCauseOf(['[ERROR] unknown variable (errno: 130)', ''], '/srv/db')).toBeNull();
});
