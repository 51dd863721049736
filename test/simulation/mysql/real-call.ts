import type { Call } from './cases/mysql-under-test.ts';
import type { SimAnswer } from './statements.ts';

/** A statement under way at a real server. */
export class RealCall implements Call {
  readonly threadId: number;
  /** It waits in a state whose name does not tell so. */
  readonly hasPlainState: boolean;
  readonly #answer: Promise<SimAnswer | 'closed'>;
  #isAnswered = false;

  constructor(options: {
    readonly threadId: number;
    readonly hasPlainState: boolean;
    readonly answer: Promise<SimAnswer>;
  }) {
    this.threadId = options.threadId;
    this.hasPlainState = options.hasPlainState;
    this.#answer = options.answer.catch(answerOf).finally(() => {
      this.#isAnswered = true;
    });
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  answer(): Promise<SimAnswer | 'closed'> {
    return this.#answer;
  }
}

/** What the server answered, when it was an error; a lost connection is no answer. */
function answerOf(thrown: unknown): SimAnswer | 'closed' {
  if (!(thrown instanceof Error)) throw thrown;
  const number = 'errno' in thrown && typeof thrown.errno === 'number' ? thrown.errno : -1;
  if (number <= 0) return 'closed';
  return { kind: 'error', number, message: thrown.message };
}
