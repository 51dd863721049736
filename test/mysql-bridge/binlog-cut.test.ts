import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../base/crc32.ts';
import type { Gtid } from '../../mysql-bridge/binlog/gtid.ts';
import { GtidSearch } from '../../mysql-bridge/binlog/gtid-search.ts';
import type { LoggedContents } from '../../mysql-bridge/binlog-comparison.ts';
import { type CutOutcome, cutBinlog, inspectBinlogTail } from '../../mysql-bridge/binlog-cut.ts';
import { fileBuilder, fileHeadEnd, fileOf } from './binlog/binlog-file.ts';
import { type FileBuilder, serverUuid } from './binlog/stream-builder.ts';

/** A log that no longer holds what it names: nothing is compared. */
const compacted: LoggedContents = { find: () => Promise.resolve({ kind: 'compacted' }) };

/** A data folder with these binlog files, oldest first, on a real disk. */
class DataFolder {
  readonly path: string;
  logged: LoggedContents = compacted;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(...files: readonly Uint8Array[]): Promise<DataFolder> {
    const folder = new DataFolder(await mkdtemp(join(tmpdir(), 'binlog-cut-')));
    await mkdir(join(folder.path, 'saved'));
    const names = files.map((_, index) => `binlog.00000${index + 1}`);
    for (const [index, content] of files.entries()) {
      await writeFile(join(folder.path, names[index] ?? ''), content);
    }
    await writeFile(join(folder.path, 'binlog.index'), names.map((name) => `./${name}\n`).join(''));
    return folder;
  }

  /** Cuts with the transactions up to this number committed. */
  async cut(committedTo: bigint): Promise<CutOutcome> {
    return await this.cutWhere(({ number }) => number <= committedTo);
  }

  async cutWhere(isCommitted: (gtid: Gtid) => boolean): Promise<CutOutcome> {
    return await cutBinlog({
      dataDirectory: this.path,
      baseName: 'binlog',
      isCommitted,
      logged: this.logged,
      saveDirectory: join(this.path, 'saved'),
    });
  }

  async read(name: string): Promise<Uint8Array> {
    return new Uint8Array(await readFile(join(this.path, name)));
  }

  async savedNames(): Promise<string[]> {
    return await readdir(join(this.path, 'saved'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

describe('the newest file', () => {
  test('is cut behind its last committed transaction, and nothing else changes', async () => {
    const { content, ends } = numbered(4);
    await using folder = await DataFolder.create(content);

    const outcome = await folder.cut(2n);

    const offset = ends[1] ?? 0n;
    expect(outcome).toEqual({
      kind: 'cut',
      file: 'binlog.000001',
      offset,
      bytes: BigInt(content.length) - offset,
      transactions: 2,
      gtids: [`${serverUuid}:3`, `${serverUuid}:4`],
      damage: null,
      saved: {
        kind: 'saved',
        path: join(folder.path, `saved/binlog-cut-binlog.000001-${offset}.bin`),
      },
    });
    expect(await folder.read('binlog.000001')).toEqual(content.subarray(0, Number(offset)));
  });

  test('keeps nothing but its head when nothing is committed', async () => {
    const { content } = numbered(2);
    await using folder = await DataFolder.create(content);

    await folder.cut(0n);

    expect(await folder.read('binlog.000001')).toEqual(content.subarray(0, Number(fileHeadEnd)));
  });

  test('is left alone when all of it is committed, and the second cut does nothing', async () => {
    const { content } = numbered(3);
    await using folder = await DataFolder.create(content);

    expect(await folder.cut(3n)).toEqual({ kind: 'nothing-to-cut' });
    await folder.cut(1n);
    expect(await folder.cut(1n)).toEqual({ kind: 'nothing-to-cut' });
  });

  test('is cut in front of half a transaction and torn bytes, at every length', async () => {
    const { content, ends } = numbered(2);
    const last = Number(ends[0] ?? 0n);
    for (let length = last + 1; length < content.length; length += 13) {
      await using folder = await DataFolder.create(content.subarray(0, length));

      const outcome = await folder.cut(1n);

      expect(outcome).toMatchObject({ kind: 'cut', offset: BigInt(last), transactions: 0 });
      expect(await folder.read('binlog.000001')).toEqual(content.subarray(0, last));
    }
  });

  test('is cut in front of zeros, as a power failure leaves them', async () => {
    const { content } = numbered(1);
    await using folder = await DataFolder.create(
      Uint8Array.of(...content, ...new Uint8Array(5_000)),
    );

    expect(await folder.cut(1n)).toMatchObject({ offset: BigInt(content.length) });
  });

  test('is read in bounded chunks when an event is larger than one', async () => {
    const file = fileBuilder().transaction(1n, [3_000_000]).transaction(2n, [2_500_000]);
    await using folder = await DataFolder.create(fileOf(file));

    expect(await folder.cut(1n)).toMatchObject({ kind: 'cut', gtids: [`${serverUuid}:2`] });
  });
});

describe('what cannot be decided is refused, and nothing is changed', () => {
  test('a committed transaction behind one that is not (G6)', async () => {
    const { content } = numbered(3);
    await using folder = await DataFolder.create(content);

    await expect(folder.cutWhere(({ number }) => number !== 2n)).rejects.toMatchObject({
      code: 'BINLOG_UNDECIDABLE',
      message: expect.stringContaining(`${serverUuid}:3 is committed and stands behind`),
    });
    expect(await folder.read('binlog.000001')).toEqual(content);
  });

  test('an uncommitted transaction in an earlier file', async () => {
    const newest = fileBuilder().transaction(3n, [5]);
    await using folder = await DataFolder.create(numbered(2).content, fileOf(newest));

    await expect(folder.cut(1n)).rejects.toMatchObject({
      code: 'BINLOG_UNDECIDABLE',
      message: expect.stringContaining('only the newest binlog file may hold such'),
    });
  });

  test('an uncommitted transaction of a server that shut down politely (H2)', async () => {
    const closed = fileOf(fileBuilder().transaction(1n, [5]), { isClosed: true });
    await using folder = await DataFolder.create(closed);

    await expect(folder.cut(0n)).rejects.toMatchObject({
      message: expect.stringContaining('a shutdown commits what waits for its ack'),
    });
    expect(await folder.cut(1n)).toEqual({ kind: 'nothing-to-cut' });
  });

  test('damage in front of a committed transaction (H25, R16)', async () => {
    const { content, ends } = numbered(3);
    const at = Number(ends[0] ?? 0n) + 30;
    await using folder = await DataFolder.create(content.with(at, (content[at] ?? 0) ^ 1));

    await expect(folder.cut(3n)).rejects.toMatchObject({
      message: expect.stringMatching(/is damaged at .* is committed in the log/),
    });
    expect(await folder.cut(1n)).toMatchObject({ kind: 'cut', offset: ends[0] });
  });

  test.each([
    ['an encrypted file', numbered(1).content.with(0, 0xfd), 'binlog_encryption must be OFF'],
    ['a file without a head', numbered(1).content.subarray(0, 50), 'no format description'],
    ['an empty file', new Uint8Array(), 'no format description'],
  ])('%s', async (_, content, reason) => {
    await using folder = await DataFolder.create(content);

    await expect(folder.cut(9n)).rejects.toMatchObject({
      code: 'BINLOG_UNDECIDABLE',
      message: expect.stringContaining(reason),
    });
  });

  test('a file that is not there, and one outside the data folder', async () => {
    await using folder = await DataFolder.create(numbered(1).content);

    await writeFile(join(folder.path, 'binlog.index'), './binlog.000009\n');
    await expect(folder.cut(9n)).rejects.toMatchObject({ code: 'BINLOG_UNDECIDABLE' });
    await writeFile(join(folder.path, 'binlog.index'), '../elsewhere/binlog.000001\n');
    await expect(folder.cut(9n)).rejects.toMatchObject({
      message: expect.stringContaining('which is not in'),
    });
  });
});

describe('what is committed is held against the log, byte by byte', () => {
  test('a file that holds what the log holds is cut as any other', async () => {
    const { content, transactions, ends } = transactionsOf([10, 300_000, 20, 600_000, 30]);
    await using folder = await DataFolder.create(content);
    // In pieces, as fragments are, and the last one not committed.
    folder.logged = loggedOf(transactions.slice(0, 4), 70_000);

    expect(await folder.cut(4n)).toMatchObject({ kind: 'cut', offset: ends[3], transactions: 1 });
  });

  test('a GTID that was handed out a second time is found, whatever its transaction is (G2, G6, H10)', async () => {
    const inLog = transactionsOf([10, 20, 30]).transactions;
    const rowOfSecond = (transactionsOf([10]).transactions[0]?.length ?? 0) + 150;
    const second = transactionsOf([10, 20, 30]).content;
    const flipped = withFlippedRow(second, Number(fileHeadEnd) + rowOfSecond);
    const shorter = transactionsOf([10, 19, 30]).content;
    const longer = transactionsOf([10, 21, 30]).content;

    for (const content of [flipped, shorter, longer]) {
      await using folder = await DataFolder.create(content);
      folder.logged = loggedOf(inLog);

      await expect(folder.cut(3n)).rejects.toMatchObject({
        code: 'BINLOG_UNDECIDABLE',
        message: expect.stringContaining(`${serverUuid}:2 is something else in the log`),
      });
      expect(await folder.read('binlog.000001')).toEqual(content);
    }
  });

  test('a transaction that the log has at another place is found (G6)', async () => {
    const { content, transactions } = transactionsOf([10, 20]);
    await using folder = await DataFolder.create(content);
    folder.logged = {
      find: (gtid) =>
        gtid.number === 1n
          ? loggedOf(transactions).find(gtid)
          : Promise.resolve({ kind: 'not-behind' }),
    };

    await expect(folder.cut(2n)).rejects.toMatchObject({
      message: expect.stringContaining(`${serverUuid}:2 stands at another place of the log`),
    });
  });

  test('a log that fails to answer ends the cut, and nothing is changed', async () => {
    const { content } = transactionsOf([10, 20]);
    await using folder = await DataFolder.create(content);
    folder.logged = { find: () => Promise.reject(new Error('EIO')) };

    await expect(folder.cut(1n)).rejects.toThrow('EIO');
    expect(await folder.read('binlog.000001')).toEqual(content);
  });
});

test('a server that never had a binlog has nothing to cut', async () => {
  await using folder = await DataFolder.create();

  expect(await folder.cut(0n)).toEqual({ kind: 'nothing-to-cut' });
  await rm(join(folder.path, 'binlog.index'));
  expect(await folder.cut(0n)).toEqual({ kind: 'nothing-to-cut' });
});

test('a look changes nothing', async () => {
  const { content, ends } = numbered(2);
  await using folder = await DataFolder.create(content);

  const tail = await inspectBinlogTail({
    dataDirectory: folder.path,
    baseName: 'binlog',
    isCommitted: ({ number }) => number <= 1n,
    logged: compacted,
  });

  expect(tail).toMatchObject({
    kind: 'found',
    file: 'binlog.000001',
    cutAt: ends[0],
    fileBytes: BigInt(content.length),
    lastCommitted: `${serverUuid}:1`,
  });
  expect(await folder.read('binlog.000001')).toEqual(content);
});

describe('the cut bytes', () => {
  test('are kept for the operator, readable by the owner alone', async () => {
    const { content, ends } = numbered(2);
    await using folder = await DataFolder.create(content);

    const outcome = await folder.cut(1n);

    if (outcome.kind !== 'cut' || outcome.saved.kind !== 'saved') throw new Error('not saved');
    expect(new Uint8Array(await readFile(outcome.saved.path))).toEqual(
      content.subarray(Number(ends[0])),
    );
    expect((await stat(outcome.saved.path)).mode & 0o777).toBe(0o600);
  });

  test('are kept of the newest five cuts', async () => {
    const { content } = numbered(7);
    await using folder = await DataFolder.create(content);

    for (let committedTo = 6n; committedTo >= 0n; committedTo -= 1n) await folder.cut(committedTo);

    expect(await folder.savedNames()).toHaveLength(5);
  });

  test('that cannot be kept do not stop the cut', async () => {
    const { content } = numbered(2);
    await using folder = await DataFolder.create(content);
    await rm(join(folder.path, 'saved'), { recursive: true });
    await writeFile(join(folder.path, 'saved'), 'a file where the folder should be');
    await chmod(join(folder.path, 'saved'), 0o600);

    expect(await folder.cut(1n)).toMatchObject({ kind: 'cut', saved: { kind: 'not-saved' } });
  });

  test('are not kept without a folder', async () => {
    await using folder = await DataFolder.create(numbered(1).content);

    const outcome = await cutBinlog({
      dataDirectory: folder.path,
      baseName: 'binlog',
      isCommitted: () => false,
      logged: compacted,
      saveDirectory: null,
    });

    expect(outcome).toMatchObject({ kind: 'cut', saved: { kind: 'not-saved' } });
  });
});

test('a search finds every gtid event in noise, wherever the bytes are cut', () => {
  const { content } = numbered(3);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 1, max: 1_500 }),
      (noise, chunkBytes) => {
        const bytes = Uint8Array.of(...noise, ...content.subarray(Number(fileHeadEnd)), ...noise);
        const search = new GtidSearch();

        const found: Gtid[] = [];
        for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
          found.push(...search.push(bytes.slice(offset, offset + chunkBytes)));
        }
        found.push(...search.finish());

        expect(found.map(({ number }) => number)).toEqual([1n, 2n, 3n]);
      },
    ),
    { numRuns: 50 },
  );
});

/** A file of transactions 1 to `count`, and where each ends. */
function numbered(count: number): { readonly content: Uint8Array; readonly ends: bigint[] } {
  const file: FileBuilder = fileBuilder();
  const ends: bigint[] = [];
  for (let number = 1; number <= count; number += 1) {
    file.transaction(BigInt(number), [20 * number]);
    ends.push(file.offset);
  }
  return { content: fileOf(file), ends };
}

/** A file of transactions with one row of each of these lengths, and the bytes of each. */
function transactionsOf(rows: readonly number[]): {
  readonly content: Uint8Array;
  readonly transactions: readonly Uint8Array[];
  readonly ends: bigint[];
} {
  const file = fileBuilder();
  const ends = rows.map((bytes, index) => file.transaction(BigInt(index + 1), [bytes]).offset);
  const content = fileOf(file);
  const transactions = ends.map((end, index) =>
    content.subarray(Number(ends[index - 1] ?? fileHeadEnd), Number(end)),
  );
  return { content, transactions, ends };
}

/** A log with these transactions, numbered from 1, in pieces. */
function loggedOf(transactions: readonly Uint8Array[], pieceBytes = 1_000_000): LoggedContents {
  return {
    find: ({ number }) => {
      const bytes = transactions[Number(number) - 1];
      if (bytes === undefined) throw new Error(`${number} is not in the log`);
      const pieces = Math.ceil(bytes.length / pieceBytes);
      const events = Array.from({ length: pieces }, (_, at) =>
        bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes),
      );
      return Promise.resolve({ kind: 'found', events });
    },
  };
}

/** Another byte in a row, with the checksum of its event put right. */
function withFlippedRow(content: Uint8Array, near: number): Uint8Array {
  const changed = Uint8Array.from(content);
  const view = new DataView(changed.buffer);
  let start = Number(fileHeadEnd);
  while (start + view.getUint32(start + 9, true) <= near) start += view.getUint32(start + 9, true);
  const end = start + view.getUint32(start + 9, true);
  changed[start + 19] = (changed[start + 19] ?? 0) ^ 1;
  view.setUint32(end - 4, crc32(changed.subarray(start, end - 4)), true);
  return changed;
}
