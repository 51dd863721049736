import { codeOf, messageOf } from '../../../base/errors.ts';
import { definiteFailure } from '../../kill/workload.ts';

/** What a client says happened for certain not, whatever its reason: a comparison that did not match, a transaction never committed. */
export class DefiniteFailure extends Error {
  override readonly name = 'DefiniteFailure';
}

/** What a client cannot know, because it went away itself. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

export interface Ending {
  readonly type: 'fail' | 'info';
  /** For a person who reads the history. */
  readonly error: string;
}

const errorCharactersMax = 160;

/**
 * How an operation ended that threw. An ERR packet is definite unless it says itself that it is not (SQLSTATE 08007); a connection that
 * is lost, or silent for too long, leaves it open.
 */
export function endingOf(thrown: unknown): Ending {
  const isDefinite = thrown instanceof DefiniteFailure || definiteFailure(thrown);
  const code = codeOf(thrown);
  const message = messageOf(thrown);
  const text = code === undefined || message.includes(code) ? message : `${code}: ${message}`;
  return { type: isDefinite ? 'fail' : 'info', error: text.slice(0, errorCharactersMax) };
}
