import { ByteReader, BytesError } from '../../base/bytes.ts';
import { Capability, CommandCode } from '../../mysql-bridge/protocol/constants.ts';
import { skipQueryAttributes } from '../../mysql-bridge/protocol/query-attributes.ts';

/**
 * Whether a command's text begins with XA, behind blanks and comments. A prepared transaction outlives its session: it would hold its
 * locks through every failover until somebody remembers it (HAZARDS H8). This spares applications that surprise, and is no wall: an XA
 * inside a procedure, behind another statement of the same command or behind a comment longer than the 252 bytes that are looked at
 * passes. Nothing is lost by it: it goes through the log as any transaction, and is as durable (mysql-bridge/DESIGN.md, the cut).
 */
export function beginsXa(head: Uint8Array, capabilities: number): boolean {
  const text = textOffset(head, capabilities);
  if (text === null) return false;
  const at = skipBlanks(head, text);
  return isLetter(head[at], 'x') && isLetter(head[at + 1], 'a') && !isWordByte(head[at + 2] ?? 0);
}

/** Whether bytes behind these cannot change what `beginsXa` says. */
export function isXaDecided(head: Uint8Array, capabilities: number): boolean {
  if (head[0] !== CommandCode.query && head[0] !== CommandCode.stmtPrepare) return true;
  const text = textOffset(head, capabilities);
  if (text === null) return false;
  const at = skipBlanks(head, text);
  if (head.length - at > 2) return true;
  // The beginning of a comment, or of the word itself.
  return at < head.length && !['/', '-', 'x'].some((begin) => isLetter(head[at], begin));
}

/** Null: a command without text, or one whose text begins further behind. */
function textOffset(head: Uint8Array, capabilities: number): number | null {
  if (head[0] === CommandCode.stmtPrepare) return 1;
  if (head[0] !== CommandCode.query) return null;
  if ((capabilities & Capability.queryAttributes) === 0) return 1;
  try {
    const reader = new ByteReader(head, 1);
    skipQueryAttributes(reader);
    return reader.offset;
  } catch (thrown) {
    if (thrown instanceof BytesError) return null;
    throw thrown;
  }
}

/** Blanks and comments as MySQL has them. The text of a version comment is executed, so only its mark is skipped. */
function skipBlanks(head: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    const next = skipOne(head, at);
    if (next === at) return at;
    at = next;
  }
}

function skipOne(head: Uint8Array, at: number): number {
  if (isBlank(head[at])) return at + 1;
  if (startsWith(head, at, '/*!')) return skipDigits(head, at + 3);
  if (startsWith(head, at, '/*')) return behind(head, at + 2, '*/');
  const isLineComment =
    startsWith(head, at, '#') || (startsWith(head, at, '--') && isBlank(head[at + 2]));
  return isLineComment ? behind(head, at, '\n') : at;
}

function skipDigits(head: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(head[at])) at += 1;
  return at;
}

function behind(head: Uint8Array, from: number, mark: string): number {
  for (let at = from; at < head.length; at += 1) {
    if (startsWith(head, at, mark)) return at + mark.length;
  }
  return head.length;
}

function startsWith(head: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (head[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function isLetter(byte: number | undefined, lowerCase: string): boolean {
  return byte !== undefined && (byte | 0x20) === lowerCase.charCodeAt(0);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Of an identifier: XATTR is another word. */
function isWordByte(byte: number): boolean {
  const lower = byte | 0x20;
  const isAlphabetic = lower >= 0x61 && lower <= 0x7a;
  return isAlphabetic || isDigit(byte) || byte === 0x5f || byte === 0x24 || byte >= 0x80;
}
