import { expect, test } from 'vitest';
import { ByteWriter, utf8 } from '../../../base/bytes.ts';
import { ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import type { ResponseShape } from '../../../proxy/core/command-table.ts';
import { ResponseStream } from '../../../proxy/core/response-stream.ts';
import { classic, modern, Response } from './wire.ts';

// Goal: the end of each kind of response is found, not before its last byte and not after. Method: every response is fed one
// byte at a time, under both ways in which result sets end.

const more = ServerStatus.autocommit | ServerStatus.moreResultsExist;

function prepareOk(columns: number, parameters: number): Uint8Array {
  const writer = new ByteWriter().u8(0).u32(1).u16(columns).u16(parameters);
  return writer.u8(0).u16(0).finish();
}

const responses: readonly [string, ResponseShape, (response: Response) => Response][] = [
  ['OK', 'results', (r) => r.ok()],
  ['ERR', 'results', (r) => r.err()],
  ['rows', 'results', (r) => r.columns(2).rows(['a', 'b']).end()],
  ['no rows', 'results', (r) => r.columns(1).end()],
  ['more columns than fit one byte', 'results', (r) => r.columns(300).rows(['a']).end()],
  ['an error among rows', 'results', (r) => r.columns(1).rows(['a']).err()],
  [
    'rows that begin with 0, 0xfb, 0xfc',
    'results',
    (r) =>
      r
        .columns(1)
        .rows([''])
        .raw(new Uint8Array([0xfb]))
        .rows(['x'.repeat(300)])
        .end(),
  ],
  [
    'several results',
    'results',
    (r) => r.ok(more).columns(1).rows(['a']).end(more).columns(1).end(more).ok(),
  ],
  ['an error after a result', 'results', (r) => r.columns(1).end(more).err()],
  ['rows alone, of a fetch', 'rows', (r) => r.rows(['a', 'b']).end()],
  ['prepared, nothing to define', 'prepare', (r) => r.raw(prepareOk(0, 0))],
  ['prepared, parameters', 'prepare', (r) => r.raw(prepareOk(0, 3)).definitions(3)],
  ['prepared, columns', 'prepare', (r) => r.raw(prepareOk(2, 0)).definitions(2)],
  ['prepared, both', 'prepare', (r) => r.raw(prepareOk(2, 1)).definitions(1).definitions(2)],
  ['not prepared', 'prepare', (r) => r.err()],
  ['text of statistics', 'packet', (r) => r.raw(utf8('Uptime: 1'))],
  ['EOF of an option', 'packet', (r) => r.end()],
  [
    'a log-in',
    'login',
    (r) =>
      r
        .raw(utf8('\xfecaching_sha2_password\0'))
        .raw(new Uint8Array([1, 3]))
        .ok(),
  ],
];

test.each([
  ['with OK as the end of rows', modern],
  ['with EOF as the end of rows', classic],
])('the end of each response is found one byte at a time, %s', (_, capabilities) => {
  for (const [name, shape, write] of responses) {
    const { bytes } = write(new Response(capabilities));
    const stream = new ResponseStream(capabilities);
    stream.begin(shape);

    for (const [index, byte] of bytes.entries()) {
      expect(stream.isAnswered, `${name}, byte ${index}`).toBe(false);
      expect(stream.follow(new Uint8Array([byte])), `${name}, byte ${index}`).toBe(true);
    }

    expect(stream.isAnswered, name).toBe(true);
  }
});

test('with EOFs, a cursor ends the response behind its columns', () => {
  const stream = new ResponseStream(classic);
  stream.begin('results');
  const status = ServerStatus.cursorExists;
  const definitions = new Response(classic)
    .raw(new Uint8Array([1]))
    .raw(utf8('\x03def'))
    .eof(status);
  stream.follow(definitions.bytes);
  expect(stream.isAnswered).toBe(true);
});

test('with EOFs, an OK behind the columns ends the response of a statement that had a cursor before', () => {
  // As 9.7.4 answers COM_STMT_EXECUTE without a cursor after one with a cursor: there is no EOF and no row.
  const stream = new ResponseStream(classic);
  stream.begin('results');
  const answer = new Response(classic)
    .raw(new Uint8Array([1]))
    .raw(utf8('\x03def'))
    .ok();
  expect(stream.follow(answer.bytes)).toBe(true);
  expect(stream.isAnswered).toBe(true);
});

test('a row with a value of 16 MiB is no end of rows, though it begins with 0xfe (H19)', () => {
  const value = new ByteWriter(0x1000010).lengthEncodedBytes(new Uint8Array(0xffffff + 1)).finish();
  const stream = new ResponseStream(modern);
  stream.begin('results');
  expect(value[0]).toBe(0xfe);
  stream.follow(new Response(modern).columns(1).raw(value).bytes);
  expect(stream.isAnswered).toBe(false);
});

test('the transaction state is read from the status, of OK and of EOF', () => {
  for (const capabilities of [modern, classic]) {
    const stream = new ResponseStream(capabilities);
    const status = ServerStatus.autocommit | ServerStatus.inTransaction;
    stream.begin('results');
    stream.follow(new Response(capabilities).columns(1).rows(['a']).end(status).bytes);
    expect(stream.inTransaction).toBe(true);
    stream.begin('results');
    stream.follow(new Response(capabilities).ok().bytes);
    expect(stream.inTransaction).toBe(false);
  }
});

test('an error keeps the transaction in view, a deadlock ends it', () => {
  const stream = new ResponseStream(modern);
  const send = (response: Response): boolean => {
    stream.begin('results');
    stream.follow(response.bytes);
    return stream.inTransaction;
  };
  expect(send(new Response(modern).ok(ServerStatus.inTransaction))).toBe(true);
  expect(send(new Response(modern).err(1062))).toBe(true);
  expect(send(new Response(modern).err(1213))).toBe(false);
  // Autocommit is off here: a statement that fails may have opened a transaction.
  expect(send(new Response(modern).err(1062))).toBe(true);
});

test('what breaks the protocol is refused: bytes nobody asked for, a file nobody allowed, a short OK', () => {
  const unasked = new ResponseStream(modern);
  expect(unasked.follow(new Response(modern).ok().bytes)).toBe(false);

  const withoutFiles = new ResponseStream(modern & ~0x80);
  withoutFiles.begin('results');
  const request = new Response(modern).raw(new Uint8Array([0xfb, 0x61]));
  expect(withoutFiles.follow(request.bytes)).toBe(false);

  const short = new ResponseStream(modern);
  short.begin('results');
  expect(short.follow(new Response(modern).raw(new Uint8Array([0, 0, 0])).bytes)).toBe(false);
});

test('an ERR that nobody asked for is a farewell', () => {
  const stream = new ResponseStream(modern);
  expect(stream.follow(new Response(modern, 0).err(4031).bytes)).toBe(true);
  expect(stream.hasFarewell).toBe(true);
});
