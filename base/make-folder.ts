import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

/**
 * Makes a folder and what is missing above it, for its owner alone. Throws the system's error where that cannot be done.
 * `mkdirSync` with `recursive` never returns where a parent exists and the system says ENOENT all the same, as /proc and
 * some network file systems do.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    // Made by somebody else meanwhile.
    if (codeOf(thrown) !== 'EEXIST' || !isFolder(path)) throw thrown;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
