import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { findPortOwner } from '../../base/port-owner.ts';
import { lowPort } from '../support/low-port.ts';

const isLinux = process.platform === 'linux';

test.skipIf(!isLinux)(
  'the process that listens is named by pid and program, without arguments',
  async () => {
    const port = await lowPort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port }, resolve));
    try {
      expect(await findPortOwner(port)).toMatch(new RegExp(`^pid ${process.pid} \\([^ ]+\\)$`));
    } finally {
      server.close();
    }
  },
);

test('nobody is named when nobody listens', async () => {
  expect(await findPortOwner(await lowPort())).toBeNull();
});
