import { createHmac } from 'node:crypto';

/**
 * Passwords that nodes use among themselves and on their own servers, derived from the cluster's one secret, so that there is
 * nothing else to distribute or to lose. HMAC-SHA-256, one purpose each.
 */
export function derivePassword(clusterSecret: string, purpose: string): string {
  return createHmac('sha256', clusterSecret)
    .update(`binraft ${purpose}`)
    .digest('base64url')
    .slice(0, 32);
}

/** A server id for MySQL replication: 32 bits, not 0, the same at each start, different per node (MySQL manual, server_id). */
export function deriveServerId(clusterId: string, node: string): number {
  const digest = createHmac('sha256', clusterId).update(node).digest();
  return (digest.readUInt32BE(0) % 0x7fff_fff0) + 1;
}

/** A server uuid for a part of this node that poses as a server; differs from mysqld's own. */
export function deriveUuid(clusterId: string, purpose: string): string {
  const hex = createHmac('sha256', clusterId).update(purpose).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
