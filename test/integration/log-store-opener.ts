import { readFileSync } from 'node:fs';
import { silentLogger } from '../../base/logger.ts';
import { openLevelLogStore } from '../../log-store/index.ts';
import { nodeId } from '../../raft/core/types.ts';

// Opens a log and prints what it took, as JSON. Usage: node log-store-opener.ts DIRECTORY

/** What one open of a log cost its process. */
export interface OpenCost {
  readonly lastIndex: number;
  readonly tookMs: number;
  /** Of the processor, however long others had it. */
  readonly cpuMs: number;
  /** Memory of the process itself, without the pages of mapped files; null where the system does not tell. */
  readonly memoryBytes: number | null;
}

async function measureOpen(directory: string): Promise<OpenCost> {
  const started = process.hrtime.bigint();
  const before = process.cpuUsage();
  const store = await openLevelLogStore({
    directory,
    clusterId: 'test',
    nodeId: nodeId('n1'),
    logger: silentLogger,
  });
  const tookMs = Number(process.hrtime.bigint() - started) / 1e6;
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000;
  const cost = { lastIndex: store.opened.lastIndex, tookMs, cpuMs, memoryBytes: memoryBytes() };
  await store.close();
  return cost;
}

function memoryBytes(): number | null {
  if (process.platform !== 'linux') return null;
  const status = readFileSync('/proc/self/status', 'utf8');
  const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

const [path] = process.argv.slice(2);
if (import.meta.main && path !== undefined) {
  process.stdout.write(JSON.stringify(await measureOpen(path)));
}
