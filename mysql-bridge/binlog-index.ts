import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';

/** Lines of an index are paths; a million files are more than `max_binlog_files` of any server ever held. */
const indexBytesMax = 64 * 1024 * 1024;

/**
 * The binlog files of a stopped server, oldest first, as names inside its data folder. None when the server never opened
 * a binlog. Rejects with FatalError BINLOG_UNDECIDABLE when a file is not in that folder.
 */
export async function readBinlogIndex(options: {
  readonly dataDirectory: string;
  readonly baseName: string;
}): Promise<readonly string[]> {
  const folder = resolve(options.dataDirectory);
  const text = await readIfThere(join(folder, `${options.baseName}.index`));
  if (text.length > indexBytesMax) throw undecidable(`an index of ${text.length} bytes`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const path = resolve(folder, line);
      if (dirname(path) !== folder) {
        throw undecidable(`the index names ${line}, which is not in ${folder}`);
      }
      return basename(path);
    });
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return '';
    throw thrown;
  }
}

function undecidable(reason: string): FatalError {
  return new FatalError('BINLOG_UNDECIDABLE', `the binlog index cannot be used: ${reason}`);
}
