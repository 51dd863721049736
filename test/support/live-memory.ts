import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const sampleEveryMs = 50;

/** Bytes that are really held: garbage is collected first, so that a starved machine does not count what it had no time to free. */
export function liveBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Watches how far this process's live memory rises until it is stopped; `stop` answers the highest rise in bytes. */
export function watchLiveMemory(): { stop(): number } {
  const before = liveBytes();
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, liveBytes() - before);
  }, sampleEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(peak, liveBytes() - before);
    },
  };
}

/** A full collection, now. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
