import { writeSync } from 'node:fs';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { openLevelLogStore } from '../../log-store/index.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import { logIndex, nodeId, term } from '../../raft/core/types.ts';

// Writes to a log for ever, and reports on standard output what it was told is durable, until it is killed.
// Usage: node log-store-kill-writer.ts DIRECTORY SEED

/** What an entry of the test holds, computable from its id alone. */
export function killPayload(entryTerm: number, index: number): Uint8Array {
  const size = (index * 37) % 900;
  return new Uint8Array(size).fill((index * 7 + entryTerm * 13) & 0xff);
}

async function writeForEver(directory: string, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const store = await openLevelLogStore({
    directory,
    clusterId: 'kill-test',
    nodeId: nodeId('n1'),
    logger: silentLogger,
    // Small, so that kills also meet the engine while it writes and merges tables.
    writeBufferBytes: 64 * 1024,
  });
  let last = store.opened.lastIndex;
  let current = store.opened.hardState.term;
  let waiting = 0;
  for (;;) {
    const truncates = random.below(0, 12) === 0 && last > 0;
    const from = truncates ? Math.max(1, last - random.below(0, 20)) : last + 1;
    if (truncates || random.below(0, 30) === 0) current = term(current + 1);
    const count = random.below(0, 16);
    const entries: Entry[] = Array.from({ length: count }, (_, offset) => ({
      term: current,
      index: logIndex(from + offset),
      kind: EntryKind.data,
      payload: killPayload(current, from + offset),
    }));
    last = logIndex(from + count - 1);
    const report = { from, last, term: current, truncates };
    waiting += 1;
    // What is about to be asked for is reported first: the parent must know what it may find.
    writeSync(1, `asked ${JSON.stringify(report)}\n`);
    const written = store
      .write({
        hardState: { term: current, votedFor: nodeId(`n${1 + (current % 3)}`) },
        truncateFrom: truncates ? logIndex(from) : null,
        snapshot: null,
        entries,
      })
      .then(() => {
        waiting -= 1;
        writeSync(1, 'durable\n');
      });
    if (waiting > 4) await written;
  }
}

const [path, seedText] = process.argv.slice(2);
if (import.meta.main && path !== undefined) await writeForEver(path, Number(seedText));
