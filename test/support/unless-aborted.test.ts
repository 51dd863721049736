import { expect, test } from 'vitest';
import { unlessAborted } from './unless-aborted.ts';

test('work that ends first is answered, well or not', async () => {
  const { signal } = new AbortController();

  await expect(unlessAborted(signal, Promise.resolve(7))).resolves.toBe(7);
  await expect(unlessAborted(signal, Promise.reject(new Error('no room')))).rejects.toThrow(
    'no room',
  );
});

test('work that never ends is given up when the signal comes, or has come before', async () => {
  const stop = new AbortController();
  const given = unlessAborted(stop.signal, new Promise(() => undefined));
  stop.abort(new Error('enough'));

  await expect(given).rejects.toThrow('enough');
  await expect(unlessAborted(stop.signal, new Promise(() => undefined))).rejects.toThrow('enough');
});
