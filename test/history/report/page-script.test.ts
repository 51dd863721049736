import { createContext, runInContext } from 'node:vm';
import { expect, test } from 'vitest';
import { pageScript } from '../../../history/report/page-script.ts';

test('the script of the page begins to run where a window has globals that cannot be declared again', () => {
  const page = createContext({});
  for (const name of ['top', 'window', 'document', 'location']) {
    runInContext(
      `Object.defineProperty(globalThis, '${name}', { get() { throw new Error('asked for ${name}'); } })`,
      page,
    );
  }
  // It gets as far as its first look at the page: every declaration before was accepted.
  expect(() => runInContext(pageScript, page)).toThrow('asked for document');
});
