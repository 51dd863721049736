import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { utf8 } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import { formatGtid } from '../binlog/gtid.ts';
import { GtidSet } from '../binlog/gtid-set.ts';
import { CommittedMarks } from './committed-marks.ts';
import type { LedgerRecord } from './ledger-state.ts';
import type { LoggedTransaction } from './transaction-scan.ts';

/**
 * What a start need not read again. A checkpoint only ever covers committed entries, so what it says stays true for ever; index,
 * term and payload checksum of its settled point prove that it speaks of this log (Log Matching, Raft thesis §3.5).
 */
export type CheckpointFinding =
  | { readonly kind: 'found'; readonly record: LedgerRecord }
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly reason: string };

const version = 1;
const count = z.number().int().nonnegative();
const checkpointSchema = z.object({
  version: z.literal(version),
  index: count,
  term: count,
  payloadCrc32: count,
  logHash: z.string().regex(/^[0-9a-f]{64}$/),
  transactionCount: count,
  lastTransaction: z.object({ gtid: z.string(), firstIndex: count, finalIndex: count }).nullable(),
  committed: z.string(),
  marks: z.array(z.object({ index: count, committed: z.string() })),
});

/** One line of JSON, and its CRC-32 on a second line. */
export function encodeCheckpoint(record: LedgerRecord): string {
  const { settled, committed, transactionCount, lastTransaction, marks } = record;
  const fields: z.input<typeof checkpointSchema> = {
    version,
    index: settled.index,
    term: settled.term,
    payloadCrc32: settled.payloadCrc32,
    logHash: settled.logHash,
    transactionCount,
    lastTransaction:
      lastTransaction === null
        ? null
        : { ...lastTransaction, gtid: formatGtid(lastTransaction.gtid) },
    committed: committed.toString(),
    marks: marks.all.map((mark) => ({ index: mark.index, committed: mark.committed.toString() })),
  };
  const json = JSON.stringify(fields);
  return `${json}\n${crc32(utf8(json))}\n`;
}

export function decodeCheckpoint(text: string, marksMax: number): CheckpointFinding {
  try {
    const [json = '', checksum = ''] = text.split('\n');
    if (String(crc32(utf8(json))) !== checksum) {
      return { kind: 'unusable', reason: 'its checksum does not match' };
    }
    return { kind: 'found', record: fromFields(JSON.parse(json), marksMax) };
  } catch (cause) {
    return { kind: 'unusable', reason: messageOf(cause) };
  }
}

/** Where checkpoints are kept. */
export interface CheckpointFiles {
  /** Null when there is none. */
  read(path: string): Promise<string | null>;
  /** The file whole or not at all, durable when settled but for its name: a power cut may bring the one before back. */
  replace(path: string, text: string): Promise<void>;
}

export async function readCheckpoint(
  path: string,
  options: { readonly marksMax: number; readonly files?: CheckpointFiles | undefined },
): Promise<CheckpointFinding> {
  const { marksMax, files = realFiles } = options;
  try {
    const text = await files.read(path);
    return text === null ? { kind: 'none' } : decodeCheckpoint(text, marksMax);
  } catch (cause) {
    return { kind: 'unusable', reason: messageOf(cause) };
  }
}

/** Replaces the file whole or not at all. */
export async function writeCheckpoint(
  path: string,
  record: LedgerRecord,
  files: CheckpointFiles = realFiles,
): Promise<void> {
  // Before the first wait: the ledger goes on meanwhile.
  const text = encodeCheckpoint(record);
  await files.replace(path, text);
}

const realFiles: CheckpointFiles = {
  read: async (path) => {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return null;
      throw cause;
    }
  },
  replace: async (path, text) => {
    await mkdir(dirname(path), { recursive: true });
    const unfinished = `${path}.unfinished`;
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  },
};

function fromFields(fields: unknown, marksMax: number): LedgerRecord {
  const parsed = checkpointSchema.parse(fields);
  const marks = parsed.marks.map((mark) => ({
    index: logIndex(mark.index),
    committed: GtidSet.parse(mark.committed),
  }));
  return {
    settled: {
      index: logIndex(parsed.index),
      term: term(parsed.term),
      payloadCrc32: parsed.payloadCrc32,
      logHash: parsed.logHash,
    },
    committed: GtidSet.parse(parsed.committed),
    transactionCount: parsed.transactionCount,
    lastTransaction: lastTransactionOf(parsed.lastTransaction),
    marks: new CommittedMarks(marksMax, marks.slice(-marksMax)),
  };
}

function lastTransactionOf(
  fields: z.infer<typeof checkpointSchema>['lastTransaction'],
): LoggedTransaction | null {
  if (fields === null) return null;
  const [source] = GtidSet.parse(fields.gtid).sources;
  const number = source?.intervals[0]?.first;
  if (source === undefined || number === undefined) throw new Error('its last gtid is empty');
  return {
    gtid: { serverUuid: source.serverUuid, tag: source.tag, number },
    firstIndex: logIndex(fields.firstIndex),
    finalIndex: logIndex(fields.finalIndex),
  };
}
