/**
 * Names a transaction on all servers (MySQL manual, "GTID Format and Storage"). `serverUuid` is lower case with dashes;
 * `tag` is empty for an untagged GTID (tags exist since MySQL 8.3); `number` counts from 1.
 */
export interface Gtid {
  readonly serverUuid: string;
  readonly tag: string;
  readonly number: bigint;
}

/** `uuid:7`, or `uuid:tag:7`. */
export function formatGtid(gtid: Gtid): string {
  const tag = gtid.tag === '' ? '' : `${gtid.tag}:`;
  return `${gtid.serverUuid}:${tag}${gtid.number}`;
}
