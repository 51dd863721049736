import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from '../../base/make-folder.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'binraft-folder-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a folder is made with all above it, for its owner alone, and again without a change', () => {
  const path = join(folder, 'one', 'two');
  makeFolder(path);
  makeFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'one')).mode & 0o777).toBe(0o700);
});

test('a file in the way is an error, also above the folder', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  expect(() => makeFolder(join(file, 'below'))).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/ENOTDIR|EEXIST/) }),
  );
});

test('a file system in which nothing can be made is an error, not an endless loop', () => {
  expect(() => makeFolder('/proc/binraft')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});
