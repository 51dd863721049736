import type { PortName } from '../options.ts';
import type { ProxyTarget, ProxyView } from '../proxy-api.ts';
import type { EpochKind, SharedGate } from '../shared-gate.ts';

/** What a session is attached to, and the permission that it hangs on. */
export interface Binding {
  readonly host: string;
  readonly port: number;
  /** Null: another node's, where that node's own gate decides. */
  readonly permission: { readonly kind: EpochKind; readonly epoch: number } | null;
}

export function accessOf(port: PortName): 'read-write' | 'read-only' {
  return port === 'readWrite' || port === 'forwardReadWrite' ? 'read-write' : 'read-only';
}

/** Where a new session of this port goes now; null when it must wait, or is refused (`isRemoved`). */
export function bind(port: PortName, view: ProxyView, gate: SharedGate): Binding | null {
  const access = accessOf(port);
  const target = targetOf(port, view);
  if (target === null || target.kind === 'removed') return null;
  if (target.kind === 'remote') return { host: target.host, port: target.port, permission: null };
  const kind = access === 'read-write' ? 'gate' : 'read-only';
  const epoch = gate.epoch(kind);
  if (epoch === 0 || (kind === 'gate' && gate.isHolding)) return null;
  return { host: '127.0.0.1', port: target.port, permission: { kind, epoch } };
}

/** Whether this port serves nobody, since this node is no member any more. */
export function isRemoved(port: PortName, view: ProxyView): boolean {
  return targetOf(port, view)?.kind === 'removed';
}

/** A session that another node has forwarded goes no further than this one. */
function targetOf(port: PortName, view: ProxyView): ProxyTarget | null {
  const target = accessOf(port) === 'read-write' ? view.readWrite : view.readOnly;
  const isForwarded = port === 'forwardReadWrite' || port === 'forwardReadOnly';
  return isForwarded && target?.kind !== 'local' ? null : target;
}

/** Whether the view still sends this port's sessions where the binding leads. One without a server sends read-write sessions nowhere else. */
export function isStillWanted(binding: Binding, port: PortName, view: ProxyView): boolean {
  const target = targetOf(port, view);
  if (target === null || target.kind === 'removed') return accessOf(port) === 'read-write';
  if (target.kind === 'local') return binding.permission !== null && binding.port === target.port;
  const isSameNode = binding.host === target.host && binding.port === target.port;
  return binding.permission === null && isSameNode;
}
