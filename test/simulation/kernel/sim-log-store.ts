import { codeOf } from '../../../base/errors.ts';
import {
  type AcceptedBatch,
  AcceptedLog,
  type ReadRange,
} from '../../../log-store/accepted-log.ts';
import { logStoreCorrupt, readFailure } from '../../../log-store/errors.ts';
import type { Entry } from '../../../raft/core/entry.ts';
import type { LogBatch, LogStore, LogStoreState } from '../../../raft/log-store.ts';
import type { SimLogDisk } from './sim-log-disk.ts';
import type { SimProcess } from './sim-process.ts';

/**
 * The log store of a simulated process: the queue, the group commit and the order of calls are those of the real store
 * (`log-store/accepted-log.ts`); below them lies a `SimLogDisk` in the place of LevelDB.
 */
export class SimLogStore implements LogStore {
  readonly opened: LogStoreState;
  readonly #process: SimProcess;
  readonly #disk: SimLogDisk;
  readonly #log: AcceptedLog;

  /**
   * As `openLevelLogStore`: rejects what is damaged or was rolled back, by LOG_STORE_CORRUPT. The whole log is checked here,
   * where the real store checks the newest part and the rest in the background.
   */
  constructor(process: SimProcess, disk: SimLogDisk) {
    this.#process = process;
    this.#disk = disk;
    const [damaged] = disk.content.damage.entries();
    if (damaged !== undefined) throw logStoreCorrupt({ index: damaged[0], reason: damaged[1] });
    if (disk.isRolledBack) {
      throw logStoreCorrupt({ index: null, reason: 'the log is older than its durable mark' });
    }
    this.opened = disk.content.state();
    this.#log = new AcceptedLog(this.opened, (group) => this.#carryOut(group));
    process.onDeath(() => disk.tear());
  }

  write(batch: LogBatch): Promise<void> {
    return this.#log.write(batch);
  }

  async read(range: ReadRange): Promise<readonly Entry[]> {
    try {
      const found = await this.#log.read(range, (last) => this.#collect({ ...range, last }));
      await this.#passes(this.#disk.drawReadUs());
      return found;
    } catch (thrown) {
      if (codeOf(thrown) === 'LOG_STORE_CORRUPT') this.#log.fail(readFailure(range.first, thrown));
      throw thrown;
    }
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #carryOut(group: readonly AcceptedBatch[]): Promise<void> {
    if (!this.#process.act()) await never;
    this.#disk.begin(group.map(({ batch }) => batch));
    await this.#passes(this.#disk.drawWriteUs());
    // A disk that began to hang meanwhile holds this write too.
    while (this.#disk.stallUs > 0) await this.#passes(this.#disk.stallUs);
    if (this.#disk.takeFailure()) {
      this.#disk.tear();
      throw new Error('EIO: input/output error, fdatasync');
    }
    this.#disk.finish();
  }

  /** Settles in this process after so long; never, if it dies meanwhile. */
  #passes(us: number): Promise<void> {
    return new Promise((resolve) => {
      this.#process.simulation.after(us, () => this.#process.enter(resolve));
    });
  }

  #collect(range: ReadRange): Entry[] {
    const { content } = this.#disk;
    const found: Entry[] = [];
    let bytes = 0;
    const start = range.first - content.firstIndex;
    for (const entry of content.entries.slice(start, start + range.last - range.first + 1)) {
      const reason = content.damage.get(entry.index);
      if (reason !== undefined) throw logStoreCorrupt({ index: entry.index, reason });
      found.push(entry);
      bytes += entry.payload.length;
      if (bytes >= range.bytesMax) break;
    }
    return found;
  }
}

/** What a dead process waits for. */
const never: Promise<void> = new Promise(() => undefined);
