import { concatBytes } from '../../../base/bytes.ts';
import { binlogMagic } from '../../../mysql-bridge/binlog/binlog-file-scan.ts';
import { dumpedEvents } from './fixtures.ts';
import { FileBuilder } from './stream-builder.ts';

const flagsOffset = 17;
const [, format = new Uint8Array(), previousGtids = new Uint8Array()] = dumpedEvents;

/** Where the head of a file, as `fileOf` writes it, ends. */
export const fileHeadEnd = 158n;

export function fileBuilder(): FileBuilder {
  return new FileBuilder(fileHeadEnd);
}

/** A binlog file of a server that was killed, unless it was closed: magic, format, previous GTIDs, then these events. */
export function fileOf(file: FileBuilder, options: { isClosed?: boolean } = {}): Uint8Array {
  const head = format.with(flagsOffset, options.isClosed === true ? 0 : 1);
  return concatBytes([binlogMagic, head, previousGtids, ...file.events]);
}
