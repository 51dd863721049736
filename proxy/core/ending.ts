import type { ClientErrorCode } from './client-error.ts';
import type { EndCause } from './session-types.ts';

/** What the client is told when nothing of its own was at stake. */
export const harmlessCodes: Readonly<Record<EndCause | 'server-lost', ClientErrorCode>> = {
  moved: 'PROXY_SESSION_MOVED',
  'idle-timeout': 'PROXY_IDLE_TIMEOUT',
  'login-timeout': 'PROXY_LOGIN_TIMEOUT',
  closing: 'PROXY_SHUTTING_DOWN',
  'server-lost': 'PROXY_SESSION_LOST',
};

/** What was at stake in a session that must end. */
export interface Stake {
  /** None; one that the server has not been given whole; or one that it may have carried out. */
  readonly command: 'none' | 'not-started' | 'started';
  readonly mayWrite: boolean;
  readonly inTransaction: boolean;
}

/**
 * What is true of the client's latest statement: HAZARDS C9, H16. A command that the server was given whole may have been carried
 * out, and even have been a COMMIT; one that it was not is without any effect, and so is a transaction that no COMMIT was sent for.
 */
export function endingCode(cause: EndCause | 'server-lost', stake: Stake): ClientErrorCode {
  if (stake.command === 'started' && stake.mayWrite) return 'PROXY_OUTCOME_UNKNOWN';
  if (stake.inTransaction) return 'PROXY_TRANSACTION_ROLLED_BACK';
  if (stake.command === 'not-started') return 'PROXY_NOT_EXECUTED';
  return harmlessCodes[cause];
}
