import { type FileHandle, lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { utf8 } from '../../base/bytes.ts';
import { crc32 } from '../../base/crc32.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Condemnation } from '../mysql-server.ts';
import { syncFolder } from './data-folder.ts';
import { MySqlServerError } from './errors.ts';

/** Inside the data folder: whatever is done to the folder is done to its mark, in the same act. mysqld reads no such file. */
const markName = 'binraft-condemned.json';
/** Until it is whole. Found by a start, it says as much: it is only ever written after a verdict. */
const unfinishedName = `${markName}.unfinished`;
const markBytesMax = 1024 * 1024;
/** More than a person reads. The mark condemns the whole folder, whatever it names. */
const textCharactersMax = 64 * 1024;

const version = 1;
const markSchema = z.object({
  version: z.literal(version),
  reason: z.string(),
  gtids: z.string(),
  at: z.string().refine((text) => !Number.isNaN(Date.parse(text))),
});

/**
 * Marks a data folder as condemned. Settles when mark and name are on disk. Each attempt writes a new file: after a failed sync the
 * pages of the old one may count as written although they are not.
 */
export async function writeCondemnedMark(
  dataDirectory: string,
  condemnation: Condemnation,
): Promise<void> {
  const unfinished = join(dataDirectory, unfinishedName);
  await rm(unfinished, { force: true });
  const file = await createIn(dataDirectory, unfinished);
  if (file === null) return;
  try {
    await file.writeFile(encodeMark(condemnation));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, join(dataDirectory, markName));
  await syncFolder(dataDirectory);
}

/** Null without a data folder: then there is nothing that a server could start on, and the next one begins with a new folder. */
async function createIn(dataDirectory: string, path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT' && !(await isThere(dataDirectory))) return null;
    throw thrown;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}

/** What the mark of a data folder says, null without one. Whatever cannot be read condemns too: somebody wrote it for a reason. */
export async function readCondemnedMark(dataDirectory: string): Promise<Condemnation | null> {
  const whole = await readMark(join(dataDirectory, markName));
  return whole ?? (await readMark(join(dataDirectory, unfinishedName)));
}

export function condemnedError({ reason, gtids, atMs }: Condemnation): MySqlServerError {
  const about = gtids === '' ? '' : ` (${gtids})`;
  return new MySqlServerError(
    'MYSQL_SERVER_CONDEMNED',
    `the server was condemned at ${timeText(atMs)}: ${reason}${about}; it must be built anew`,
  );
}

async function readMark(path: string): Promise<Condemnation | null> {
  let atMs = 0;
  try {
    const stat = await lstat(path);
    atMs = Math.round(stat.mtimeMs);
    if (!stat.isFile()) throw new Error('it is no file');
    if (stat.size > markBytesMax) throw new Error(`it has ${stat.size} bytes`);
    return decodeMark(await readFile(path, 'utf8'));
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const reason = `the mark ${path} cannot be read, and condemns all the same: ${messageOf(thrown)}`;
    return { reason, gtids: '', atMs };
  }
}

/** One line of JSON, and its CRC-32 on a second line. */
function encodeMark({ reason, gtids, atMs }: Condemnation): string {
  const fields: z.input<typeof markSchema> = {
    version,
    reason: reason.slice(0, textCharactersMax),
    gtids: gtids.slice(0, textCharactersMax),
    at: timeText(atMs),
  };
  const json = JSON.stringify(fields);
  return `${json}\n${crc32(utf8(json))}\n`;
}

function decodeMark(text: string): Condemnation {
  const [json = '', checksum = ''] = text.split('\n');
  if (String(crc32(utf8(json))) !== checksum) throw new Error('its checksum does not match');
  const { reason, gtids, at } = markSchema.parse(JSON.parse(json));
  return { reason, gtids, atMs: Date.parse(at) };
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
