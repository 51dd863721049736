import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf } from '../base/errors.ts';
import type { Comparison, Contender } from './comparisons/comparison.ts';
import type { TurnSample } from './core/sample.ts';
import type { Settings } from './core/settings.ts';
import type { Environment } from './environment.ts';
import { BenchError } from './errors.ts';
import { removeFolder } from './work-folder.ts';

export interface RunOptions {
  readonly environment: Environment;
  readonly workFolder: string;
  readonly rounds: number;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
}

/** Where a run is. */
export interface Progress {
  readonly round: number;
  readonly contender: string;
  readonly doing: string;
  /** From 0 to 1, by turns. */
  readonly share: number;
  readonly secondsLeft: number;
}

export interface ComparisonResult {
  readonly samples: readonly TurnSample[];
  /** Of the primary of each contender that told them, as in its last turn. */
  readonly settings: ReadonlyMap<string, Settings>;
  readonly notes: readonly string[];
  /** Turns that did not come to their end. Nothing they measured counts: nobody has vouched for it at the end. */
  readonly failures: readonly string[];
}

/** A turn is given up when it takes this many times as long as it should, and a minute more. */
const patience = 4;
const patienceExtraMs = 60_000;

/**
 * Runs all turns, A B A B: contenders in the same order in each round, so that what drifts on the machine meets all of them
 * alike. Rejects only when aborted.
 */
export async function runComparison(
  comparison: Comparison,
  options: RunOptions,
): Promise<ComparisonResult> {
  const { contenders } = comparison;
  const samples: TurnSample[] = [];
  const settings = new Map<string, Settings>();
  const notes = new Set<string>();
  const failures: string[] = [];
  const pace = new Pace(contenders, options);
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const contender of contenders) {
      options.signal.throwIfAborted();
      pace.begin(round, contender);
      const measured: TurnSample[] = [];
      try {
        await runTurn(contender, round, {
          ...options,
          record: (sample) => measured.push(sample),
          settings: (values) => settings.set(contender.name, values),
          note: (text) => notes.add(`${contender.name}: ${text}`),
          doing: (text) => pace.doing(text),
        });
        samples.push(...measured);
      } catch (thrown) {
        options.signal.throwIfAborted();
        failures.push(`round ${round}, ${contender.name}: ${describe(thrown)}`);
      }
      pace.end(contender);
    }
  }
  return { samples, settings, notes: [...notes], failures };
}

async function runTurn(
  contender: Contender,
  round: number,
  options: RunOptions & {
    record(sample: TurnSample): void;
    settings(values: Settings): void;
    note(text: string): void;
    doing(text: string): void;
  },
): Promise<void> {
  const { environment, workFolder } = options;
  const folder = join(workFolder, `${contender.name}-${round}`);
  // Timers take whole milliseconds only, and plans are sums of measured tenths.
  const timeoutMs = Math.ceil(contender.turnSeconds * 1000 * patience) + patienceExtraMs;
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([options.signal, late]);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await contender.run({
      ...environment,
      round,
      folder,
      signal,
      record: (sample) => options.record({ ...sample, contender: contender.name, round }),
      settings: options.settings,
      note: options.note,
      doing: options.doing,
    });
  } catch (thrown) {
    if (!late.aborted) throw thrown;
    const message = `not done after ${Math.round(timeoutMs / 1000)} s`;
    throw new BenchError('BENCH_TIMEOUT', message, { cause: thrown });
  } finally {
    await removeFolder(folder);
  }
}

/** Guesses the time left: by the plan at first, by what turns really took as soon as there are some. */
class Pace {
  readonly #contenders: readonly Contender[];
  readonly #options: RunOptions;
  readonly #took = new Map<string, number>();
  #round = 1;
  #contender: Contender | null = null;
  #turns = 0;
  #beganMs = 0;

  constructor(contenders: readonly Contender[], options: RunOptions) {
    this.#contenders = contenders;
    this.#options = options;
  }

  begin(round: number, contender: Contender): void {
    this.#round = round;
    this.#contender = contender;
    this.#beganMs = this.#options.environment.clock.monotonicMs();
  }

  doing(text: string): void {
    const { rounds } = this.#options;
    this.#options.onProgress({
      round: this.#round,
      contender: this.#contender?.name ?? '',
      doing: text,
      share: this.#turns / (this.#contenders.length * rounds),
      secondsLeft: this.#secondsLeft(),
    });
  }

  end(contender: Contender): void {
    const { clock } = this.#options.environment;
    this.#turns += 1;
    this.#took.set(contender.name, (clock.monotonicMs() - this.#beganMs) / 1000);
  }

  #secondsLeft(): number {
    const each = (contender: Contender): number =>
      this.#took.get(contender.name) ?? contender.turnSeconds;
    const round = this.#contenders.reduce((sum, contender) => sum + each(contender), 0);
    const done = this.#contenders
      .slice(0, this.#turns % this.#contenders.length)
      .reduce((sum, contender) => sum + each(contender), 0);
    const roundsLeft = this.#options.rounds - Math.floor(this.#turns / this.#contenders.length);
    return roundsLeft * round - done;
  }
}

function describe(thrown: unknown): string {
  const code = codeOf(thrown);
  return code === undefined ? messageOf(thrown) : `${code}: ${messageOf(thrown)}`;
}
