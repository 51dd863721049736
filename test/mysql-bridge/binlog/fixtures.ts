import { readFileSync } from 'node:fs';
import { fromHex } from './hex.ts';

/** Packet payloads captured from a real server: one per line, `#` lines say from where. */
export function readPackets(name: string): readonly Uint8Array[] {
  const text = readFileSync(new URL(`testdata/${name}.hex`, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(fromHex);
}

/** The packets of a dump to a semisynchronous replica of MySQL 9.7.4. */
export const semisyncDump: readonly Uint8Array[] = readPackets('mysql-9.7.4-semisync-dump');

/** Status byte, semisync magic, need-ack flag. */
const semisyncPrefixBytes = 3;

/** Its events alone. */
export const dumpedEvents: readonly Uint8Array[] = semisyncDump.map((packet) =>
  packet.subarray(semisyncPrefixBytes),
);
