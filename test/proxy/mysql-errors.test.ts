import { expect, test } from 'vitest';
import { readErr } from '../../mysql-bridge/protocol/err-packet.ts';
import type { ClientErrorCode } from '../../proxy/core/client-error.ts';
import { accessDeniedText, encodeClientError } from '../../proxy/mysql-errors.ts';

test('an error is a packet with its number, SQLSTATE, code and sequence number', () => {
  const bytes = encodeClientError({ code: 'PROXY_OUTCOME_UNKNOWN', sequence: 7 });
  const err = readErr(bytes.subarray(4));
  expect(bytes[3]).toBe(7);
  expect(err).toMatchObject({ number: 1105, sqlState: '08007' });
  expect(err.message).toMatch(/^PROXY_OUTCOME_UNKNOWN: .*look before repeating/);
});

test('only what is unknown is called unknown (C9)', () => {
  const codes: ClientErrorCode[] = [
    'PROXY_NOT_EXECUTED',
    'PROXY_TRANSACTION_ROLLED_BACK',
    'PROXY_SESSION_MOVED',
    'PROXY_SESSION_LOST',
  ];
  for (const code of codes) {
    expect(readErr(encodeClientError({ code, sequence: 1 }).subarray(4)).sqlState).toBe('08S01');
  }
});

test('a denied account reads as if the server had denied it (S5)', () => {
  const detail = accessDeniedText('root');
  const bytes = encodeClientError({ code: 'PROXY_ACCESS_DENIED', sequence: 2, detail });
  expect(readErr(bytes.subarray(4))).toEqual({
    number: 1045,
    sqlState: '28000',
    message: "Access denied for user 'root'@'127.0.0.1' (using password: YES)",
  });
});
