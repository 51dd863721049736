import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';

const main = new URL('../../cli/main.ts', import.meta.url).pathname;
const examples = new URL('../../examples/histories/', import.meta.url).pathname;

function check(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [main, 'check-history', ...args], { encoding: 'utf8' });
}

test('the exit status of a valid history is 0, and of one that is not valid 1, with a page', () => {
  using folder = temporaryFolder();
  const page = join(folder.path, 'page.html');
  expect(check(`${examples}register-valid.edn`)).toMatchObject({ status: 0, stderr: '' });
  const invalid = check(`${examples}register-stale-read.edn`, '--json', '--html', page);
  expect(invalid).toMatchObject({ status: 1, stderr: '' });
  expect(JSON.parse(invalid.stdout)).toMatchObject({ verdict: 'invalid', model: 'register' });
  expect(readFileSync(page, 'utf8')).toContain('stale-read');
});

test('what cannot be read, judged or written ends with 2 and its reason', () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'broken.edn');
  writeFileSync(file, '{:process 0, :type :invoke, :f :write, :value 1}\n{:process');
  expect(check(file)).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(/^binraft: HISTORY_MALFORMED: line 2, column 10: /),
  });
  const valid = `${examples}register-valid.edn`;
  expect(check(valid, '--model', 'mutex')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/HISTORY_OPERATION: line 2: the model mutex knows "acquire"/),
  });
  expect(check(valid, '--html', join(folder.path, 'no', 'page.html'))).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/HISTORY_FILE: cannot write/),
  });
});

test('wrong usage ends with 2 too, so that 1 always means a history that is not valid', () => {
  const valid = `${examples}register-valid.edn`;
  for (const args of [
    ['--model', 'elle'],
    ['--total', '5'],
    ['--initial', '{'],
    ['--format', 'xml'],
    ['--steps', '0'],
  ]) {
    expect(check(valid, ...args).status).toBe(2);
  }
});

test('a search that may take one step gives up with 2 and says so', () => {
  using folder = temporaryFolder();
  const file = join(folder.path, 'repeating.edn');
  // Written twice, so that there is no way around a search.
  const lines = ['write 1', 'write 1', 'write 2'].flatMap((text, client) => {
    const [f, value] = text.split(' ');
    const event = (type: string): string =>
      `{:process ${client}, :type ${type}, :f :${f}, :value ${value}}`;
    return [event(':invoke'), event(':ok')];
  });
  writeFileSync(file, lines.join('\n'));
  expect(check(file)).toMatchObject({ status: 0 });
  expect(check(file, '--steps', '1')).toMatchObject({
    status: 2,
    stdout: expect.stringContaining('no answer after 1 steps'),
  });
});
