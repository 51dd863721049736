import type { History } from './history.ts';
import { guessModel, loadModel, type ModelOptions } from './models/registry.ts';
import type { CheckLimits, Verdict } from './verdict.ts';

/** Half a GiB for a search, besides the history itself, and about a minute of steps at worst. */
export const checkLimits: CheckLimits = { memoryBytesMax: 512 * 2 ** 20, stepsMax: 4e8 };

export interface CheckOptions extends ModelOptions {
  /** Guessed from the operations where it is null. */
  readonly model?: string | null;
  readonly limits?: CheckLimits;
}

export interface CheckedHistory {
  readonly model: string;
  readonly isGuessed: boolean;
  readonly verdict: Verdict;
}

/** Judges a history by a model, named or guessed. A history without operations of clients says nothing. */
export async function checkHistory(
  history: History,
  options: CheckOptions = {},
): Promise<CheckedHistory> {
  const named = options.model ?? null;
  const { operations } = history;
  const name = named ?? guessModel(operations);
  const model = await loadModel(name, options);
  const verdict: Verdict =
    operations.length === 0
      ? { kind: 'undecided', reason: 'there is no operation of a client in it' }
      : model.check(operations, options.limits ?? checkLimits);
  return { model: name, isGuessed: named === null, verdict };
}
