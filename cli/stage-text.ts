import { assertNever } from '../base/assert.ts';
import type { RoleState } from '../mysql-bridge/role/role-types.ts';

/** What a node is doing, for a person who waits for the cluster; null where there is nothing to wait for. */
export function stageText(state: RoleState): string | null {
  switch (state.kind) {
    case 'undecided':
      return 'waiting for a leader';
    case 'cutting':
      return 'cutting its binlog to what is committed';
    case 'starting':
      return 'starting MySQL';
    case 'joining':
    case 'catching-up':
      return 'applying what is committed';
    case 'taking-over':
      return 'making the primary writable';
    case 'backing-off':
      return 'waiting before MySQL is started again; its log tells why';
    case 'condemning':
      return 'keeping MySQL down: why is being written to disk';
    case 'rebuilding':
      return 'building MySQL anew from the log';
    case 'quarantined':
      return 'keeping MySQL down: it holds what the log does not';
    case 'replica':
    case 'primary':
    case 'quiescing':
    case 'handing-over':
    case 'resuming':
    case 'fencing':
      return null;
    default:
      return assertNever(state);
  }
}
