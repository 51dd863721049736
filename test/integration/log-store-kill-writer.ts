import { writeSync } from 'node:fs';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { openLevelLogStore } from '../../log-store/index.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { logIndex, nodeId, type Term, term } from '../../raft/core/types.ts';

// Writes to a log for ever, compacts it now and then, and reports on standard output what it was told is durable, until it is killed.
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
  let first: number = store.opened.firstIndex;
  /** Term of each entry, as far as it was written by this process. */
  const terms = new Map<number, Term>();
  let waiting = 0;
  for (;;) {
    const { truncates, from } = drawFrom(random, { first, last });
    if (truncates || random.below(0, 30) === 0) current = term(current + 1);
    const count = random.below(0, 16);
    const entries = entriesOf({ from, count, term: current });
    last = logIndex(from + count - 1);
    for (const entry of entries) terms.set(entry.index, entry.term);
    const snapshot = drawSnapshot(random, { first, from, terms });
    if (snapshot !== null) first = snapshot.last.index + 1;
    const behind = snapshot?.last ?? null;
    const report = { from, last, term: current, truncates, behind };
    waiting += 1;
    // What is about to be asked for is reported first: the parent must know what it may find.
    writeSync(1, `asked ${JSON.stringify(report)}\n`);
    const written = store
      .write({
        hardState: { term: current, votedFor: nodeId(`n${1 + (current % 3)}`) },
        truncateFrom: truncates ? logIndex(from) : null,
        snapshot,
        entries,
      })
      .then(() => {
        waiting -= 1;
        writeSync(1, 'durable\n');
      });
    if (waiting > 4) await written;
  }
}

/** Where the next write begins: mostly behind the end. */
function drawFrom(
  random: SeededRandom,
  log: { readonly first: number; readonly last: number },
): { readonly truncates: boolean; readonly from: number } {
  const truncates = random.below(0, 12) === 0 && log.last >= log.first;
  const from = Math.max(log.first, log.last - random.below(0, 20));
  return { truncates, from: truncates ? from : log.last + 1 };
}

function entriesOf(range: {
  readonly from: number;
  readonly count: number;
  readonly term: Term;
}): readonly Entry[] {
  return Array.from({ length: range.count }, (_, offset) => ({
    term: range.term,
    index: logIndex(range.from + offset),
    kind: EntryKind.data,
    payload: killPayload(range.term, range.from + offset),
  }));
}

/** Of an entry that is written already and stays: now and then, and sometimes of all of them. */
function drawSnapshot(
  random: SeededRandom,
  log: { readonly first: number; readonly from: number; readonly terms: ReadonlyMap<number, Term> },
): SnapshotMeta | null {
  if (random.below(0, 10) > 0 || log.from <= log.first) return null;
  const isWhole = random.below(0, 4) === 0;
  const index = isWhole ? log.from - 1 : random.below(log.first, log.from);
  const last = log.terms.get(index);
  if (last === undefined) return null;
  return { last: { term: last, index: logIndex(index) }, membership: null };
}

const [path, seedText] = process.argv.slice(2);
if (import.meta.main && path !== undefined) await writeForEver(path, Number(seedText));
