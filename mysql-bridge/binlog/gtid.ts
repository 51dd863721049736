/**
 * Names a transaction on all servers (MySQL manual, "GTID Format and Storage"). `serverUuid` is lower case with dashes;
 * `tag` is empty for an untagged GTID (tags exist since MySQL 8.3); `number` counts from 1.
 */
export interface Gtid {
  readonly serverUuid: string;
  readonly tag: string;
  readonly number: bigint;
}

/** The largest number a transaction may have: MySQL's `GNO_END` is the first that it may not. */
export const gtidNumberMax: bigint = 0x7fff_ffff_ffff_fffen;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const tagPattern = /^[a-z_][a-z0-9_]{0,31}$/;

/** Lower case with dashes: the one form used inside. */
export function isServerUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** Up to 32 letters, digits and underscores, no digit first (MySQL manual, "GTID Format and Storage"). */
export function isGtidTag(text: string): boolean {
  return tagPattern.test(text);
}

/** `uuid:7`, or `uuid:tag:7`. */
export function formatGtid(gtid: Gtid): string {
  const tag = gtid.tag === '' ? '' : `${gtid.tag}:`;
  return `${gtid.serverUuid}:${tag}${gtid.number}`;
}
