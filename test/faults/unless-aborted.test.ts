import { expect, test } from 'vitest';
import { unlessAborted } from './unless-aborted.ts';

test('work that ends first is answered, well or not', async () => {
  const { signal } = new AbortController();

  await expect(unlessAborted(Promise.resolve(7), signal)).resolves.toBe(7);
  await expect(unlessAborted(Promise.reject(new Error('no room')), signal)).rejects.toThrow(
    'no room',
  );
});

test('work that never ends is given up when the signal comes, or has come before', async () => {
  const stop = new AbortController();
  const given = unlessAborted(new Promise(() => undefined), stop.signal);
  stop.abort(new Error('enough'));

  await expect(given).rejects.toThrow('enough');
  await expect(unlessAborted(new Promise(() => undefined), stop.signal)).rejects.toThrow('enough');
});
