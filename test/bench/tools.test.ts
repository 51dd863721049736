import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { findTools } from '../../bench/tools.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A machine on which nothing can be fetched. */
function optionsIn(folder: string): Parameters<typeof findTools>[1] {
  return {
    machine: { platform: 'linux', architecture: 'amd64', family: null, codename: '' },
    cacheDirectory: join(folder, 'cache'),
    searchPath: folder,
    clock: new SystemClock(),
    logger: silentLogger,
  };
}

test('a program on the search path is used, with the version it says', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'mysqlrouter');
  writeFileSync(path, '#!/bin/sh\necho "MySQL Router 1.2.3"\necho more\n');
  chmodSync(path, 0o755);

  const tools = await findTools(['mysqlrouter'], optionsIn(folder.path));

  expect(tools.find('mysqlrouter')).toEqual({
    command: [path],
    version: 'MySQL Router 1.2.3',
    tree: null,
  });
});

test('all that is missing is named in one line, with the command that installs it', async () => {
  using folder = temporaryFolder();
  const broken = join(folder.path, 'mysqlrouter');
  writeFileSync(broken, '#!/bin/sh\nexit 1\n');
  chmodSync(broken, 0o755);
  const options = { ...optionsIn(folder.path), searchPath: folder.path };

  await expect(findTools(['mysqlrouter'], options)).rejects.toMatchObject({
    code: 'BENCH_TOOL_MISSING',
    message: 'not installed: mysql-router; run: apt-get install mysql-router',
  });
});

test('a program that was not asked for in the beginning is not looked for in the middle of a run', async () => {
  using folder = temporaryFolder();
  const tools = await findTools([], optionsIn(folder.path));

  expect(() => tools.find('sysbench')).toThrow(
    expect.objectContaining({ code: 'BENCH_TOOL_MISSING' }),
  );
});
