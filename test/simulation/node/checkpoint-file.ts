import type { Random } from '../../../base/random.ts';
import type { CheckpointFiles } from '../../../mysql-bridge/ledger/ledger-checkpoint.ts';
import { happens } from '../kernel/random-streams.ts';
import type { SimProcess } from '../kernel/sim-process.ts';

const stepUsMax = 20_000;

/**
 * The ledger's checkpoint on a machine: one small file beside the log, written on its own, so that a crash finds it older than the log, or
 * speaking of entries that the crash took from the log again. It is replaced by a rename, which a power cut may undo.
 */
export class CheckpointFile {
  readonly #random: Random;
  #text: string | null = null;
  #before: string | null = null;
  #used = 0;
  #refused = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Starts that began at a checkpoint, and starts that found one and read the whole log all the same. */
  get counts(): { readonly used: number; readonly refused: number } {
    return { used: this.#used, refused: this.#refused };
  }

  /** A ledger was opened, and had read so far already. */
  opened(ledgerIndex: number): void {
    if (ledgerIndex > 0) this.#used += 1;
    else if (this.#text !== null) this.#refused += 1;
  }

  /** As the file system shows it to a process. */
  filesOf(process: SimProcess): CheckpointFiles {
    const taking = (): Promise<void> =>
      new Promise((resolve) => {
        const us = this.#random.below(20, stepUsMax);
        process.simulation.after(us, () => process.enter(resolve));
      });
    return {
      read: async () => {
        await taking();
        return this.#text;
      },
      replace: async (_path, text) => {
        await taking();
        if (!process.act()) return;
        this.#before = this.#text;
        this.#text = text;
      },
    };
  }

  powerCut(): void {
    if (happens(this.#random, 500)) this.#text = this.#before;
    this.#before = this.#text;
  }
}
