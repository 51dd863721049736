import { closeSync, openSync, readSync } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import { HistoryFileError } from '../errors.ts';
import type { TextSource } from './char-reader.ts';

const pieceBytes = 256 * 1024;

/** Calls `use` with the text of a file, UTF-8, read piece by piece as it is asked for. */
export function withTextFile<Result>(path: string, use: (source: TextSource) => Result): Result {
  const file = attempt(path, () => openSync(path, 'r'));
  try {
    return use(textSource(path, file));
  } finally {
    closeSync(file);
  }
}

function textSource(path: string, file: number): TextSource {
  const buffer = new Uint8Array(pieceBytes);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let place = 0;
  let isAtEnd = false;
  return () => {
    if (isAtEnd) return null;
    const count = attempt(path, () => readSync(file, buffer, 0, pieceBytes, null));
    isAtEnd = count === 0;
    try {
      const text = decoder.decode(buffer.subarray(0, count), { stream: !isAtEnd });
      place += count;
      return text;
    } catch (cause) {
      const where = `bytes ${place} to ${place + count}`;
      throw new HistoryFileError(`${path} is not UTF-8, within ${where}`, cause);
    }
  };
}

function attempt<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw new HistoryFileError(`cannot read ${path}: ${messageOf(cause)}`, cause);
  }
}
