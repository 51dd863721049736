import type { ChannelOptions } from '@grpc/grpc-js';
import type { TransportLimits } from './limits.ts';

/**
 * What every connection to a peer has in common: it is its own, is given up when its pings are not answered, and does nothing that
 * the caller did not ask for; dialling again is the caller's matter.
 */
export function channelOptions(limits: TransportLimits): ChannelOptions {
  return {
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveMs,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
  };
}
