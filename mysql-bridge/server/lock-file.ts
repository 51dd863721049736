import { randomUUID } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { codeOf } from '../../base/errors.ts';

const pollMs = 250;
/** A lock older than this was left by a process whose id was given to another since. */
const lockAgeMsMax = 30 * 60 * 1000;

/**
 * Runs `work` while no other process of this machine runs it under the same lock file. The lock saves doing the same
 * download twice, no more: correctness rests on the atomic rename of what is fetched, so a lock whose holder died is
 * simply taken over.
 */
export async function withLockFile<Result>(
  options: { readonly path: string; readonly clock: Clock; readonly signal?: AbortSignal },
  work: () => Promise<Result>,
): Promise<Result> {
  const abort = options.signal === undefined ? {} : { signal: options.signal };
  while (!(await tryLock(options.path))) {
    if (await isAbandoned(options.path, options.clock)) await rm(options.path, { force: true });
    else await options.clock.delay(pollMs, abort);
  }
  try {
    return await work();
  } finally {
    await rm(options.path, { force: true });
  }
}

/** A hard link appears with its content or not at all: nobody ever sees a lock without its holder. */
async function tryLock(path: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${process.pid}\n`);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function isAbandoned(path: string, clock: Clock): Promise<boolean> {
  const [text, status] = await Promise.all([
    readFile(path, 'utf8').catch(() => null),
    stat(path).catch(() => null),
  ]);
  // Gone between two looks: not abandoned but free, and the next attempt takes it.
  if (text === null || status === null) return false;
  if (clock.wallMs() - status.mtimeMs > lockAgeMsMax) return true;
  const pid = Number(text);
  if (!Number.isSafeInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
