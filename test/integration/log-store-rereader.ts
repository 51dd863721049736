import { openLevelLogStore } from '../../log-store/index.ts';
import { logIndex } from '../../raft/core/types.ts';
import { levelOptions } from '../log-store/support.ts';
import { memoryOf } from '../support/process-memory.ts';

// Reads the same records of a log again and again, and says what that left behind: `log-store-rereader.ts <folder> <rounds>`.

export interface RereadCost {
  readonly records: number;
  /** Memory of this process that V8 does not count, now and before. */
  readonly nativeMiB: number;
  readonly nativeMiBBefore: number;
}

const mebibyte = 1024 * 1024;
const pieceRecords = 256;

const [directory = '', rounds = ''] = process.argv.slice(2);
const store = await openLevelLogStore(levelOptions(directory));
const { lastIndex } = store.opened;
await readAll();
const nativeMiBBefore = nativeMiB();
let records = 0;
for (let round = 0; round < Number(rounds); round += 1) records += await readAll();
const cost: RereadCost = { records, nativeMiB: nativeMiB(), nativeMiBBefore };
process.stdout.write(JSON.stringify(cost));
await store.close();

async function readAll(): Promise<number> {
  let count = 0;
  for (let first = 1; first <= lastIndex; first += pieceRecords) {
    const last = logIndex(Math.min(lastIndex, first + pieceRecords - 1));
    const range = { first: logIndex(first), last, bytesMax: mebibyte };
    count += (await store.read(range)).length;
  }
  return count;
}

function nativeMiB(): number {
  const { heapTotal, arrayBuffers } = process.memoryUsage();
  return memoryOf(process.pid).privateMiB - (heapTotal + arrayBuffers) / mebibyte;
}
