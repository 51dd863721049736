import type { RoleState } from '../../../mysql-bridge/role/role-types.ts';
import type { NodeState } from '../node-state.ts';
import type { NodeEvent } from '../node-step.ts';
import type { Shared } from '../shared-state.ts';

/** A node as a checker sees it. */
export interface NodeView {
  readonly node: Readonly<NodeState>;
  readonly role: RoleState;
  readonly isErrantKnown: boolean;
  /** The newest term in which its server was made writable, 0 for none. */
  readonly lastWritableTerm: number;
}

/** One property. Each answer says in words what is wrong, or is null. */
export interface Checker {
  readonly property: string;
  /** Asked for each event, with what was true before it; the commit of the same step counts as before. */
  readonly onEvent?: (event: NodeEvent, shared: Shared) => string | null;
  /** Asked for each node in each state. */
  readonly onNode?: (view: NodeView, shared: Shared) => string | null;
}
