import { NodeProxy } from './node-proxy.ts';
import type { ProxyOptions } from './options.ts';

export { NodeProxy } from './node-proxy.ts';
export {
  defaultProxyLimits,
  type ListenAddress,
  type PortName,
  type ProxyLimits,
  type ProxyOptions,
  type ReadMode,
} from './options.ts';
export type {
  BlockingSession,
  HoldOutcome,
  Proxy,
  ProxyCounts,
  ProxyHost,
  ProxyTarget,
  ProxyView,
} from './proxy-api.ts';

/** The proxy of a node; nothing listens before `open`. */
export function createProxy(options: ProxyOptions): NodeProxy {
  return new NodeProxy(options);
}
