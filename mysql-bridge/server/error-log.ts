import { copyFile, open, rename, rm, stat, truncate } from 'node:fs/promises';

const earlierLogsMax = 5;
const tailBytesMax = 64 * 1024;
const linesMax = 20;
const lineCharactersMax = 500;
/** One run may write this much before its log is moved aside while it runs. */
const logBytesMax = 16 * 1024 * 1024;

/** Lines of mysqld's log that explain why it is gone; notes and warnings do not. */
const explaining =
  /\[ERROR\]|got signal|Assertion failure|InnoDB: Failing|cannot open shared|terminate called|^mysqld: /;

/** Moves the log of the run before aside, and drops the oldest of those kept. */
export async function rotateErrorLog(path: string): Promise<void> {
  await rm(`${path}.${earlierLogsMax}`, { force: true });
  for (let age = earlierLogsMax - 1; age >= 0; age -= 1) {
    const from = age === 0 ? path : `${path}.${age}`;
    // The first starts of a node have fewer logs than are kept.
    await rename(from, `${path}.${age + 1}`).catch(() => undefined);
  }
}

/**
 * Keeps the log of a run that goes on from growing without end. It is copied and emptied in place, because mysqld keeps it
 * open for appending; lines written between the two are lost, which is the price of asking nothing of the server.
 */
export async function trimErrorLog(path: string): Promise<void> {
  const status = await stat(path).catch(() => null);
  if (status === null || status.size <= logBytesMax) return;
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
}

/** The last lines that explain an end, newest last. */
export async function lastErrorsOf(path: string): Promise<readonly string[]> {
  const lines = (await tailOf(path)).split('\n').filter((line) => explaining.test(line));
  return lines.slice(-linesMax).map((line) => line.slice(0, lineCharactersMax));
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, tailBytesMax);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(length),
      position: size - length,
    });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
