import { expect, test } from 'vitest';
import { Capability } from '../../../mysql-bridge/protocol/constants.ts';
import {
  filterGreetingCapabilities,
  filterResponseCapabilities,
  readGreeting,
  readGreetingAnswer,
  writeGreeting,
  writeHandshakeResponse,
} from '../../../mysql-bridge/protocol/handshake.ts';
import { capturedPayload } from './captured.ts';

/** A view into the middle of a larger allocation, as a socket delivers them. */
function pooled(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(9, 0xee), payload, Buffer.alloc(9, 0xee)]).subarray(
    9,
    9 + payload.length,
  );
}

test('a captured greeting is written again as it was read', () => {
  const payload = capturedPayload('greeting');
  const greeting = readGreeting(payload);

  expect(greeting).toMatchObject({
    serverVersion: '9.7.4-2',
    connectionId: 13,
    authPlugin: 'caching_sha2_password',
  });
  expect(writeGreeting(greeting)).toEqual(payload);
});

test.each(['response-mysql-client', 'response-with-database', 'response-mysql2'])(
  'the captured %s names its user and survives being written and read',
  (name) => {
    const read = readGreetingAnswer(capturedPayload(name));
    if (read.kind !== 'response') throw new Error('a response was captured');

    expect(read.response).toMatchObject({ user: 'repl', authPlugin: 'caching_sha2_password' });
    expect(readGreetingAnswer(writeHandshakeResponse(read.response))).toEqual(read);
  },
);

test('a request for TLS is told from a response', () => {
  expect(readGreetingAnswer(capturedPayload('tls-request')).kind).toBe('tls-request');
});

test('filters change the capabilities of a copy, also when the packet is a view on a pool', () => {
  const greeting = pooled(capturedPayload('greeting'));
  const response = pooled(capturedPayload('response-mysql-client'));
  const before = [Buffer.from(greeting.buffer).toString('hex'), response.toString('hex')];
  const allowed = ~(Capability.ssl | Capability.sessionTrack) >>> 0;

  const filteredGreeting = readGreeting(filterGreetingCapabilities(greeting, allowed));
  const filteredResponse = readGreetingAnswer(filterResponseCapabilities(response, allowed));

  const original = readGreeting(greeting);
  expect(filteredGreeting).toEqual({
    ...original,
    capabilities: (original.capabilities & allowed) >>> 0,
  });
  expect(filteredResponse).toMatchObject({ kind: 'response', response: { user: 'repl' } });
  expect([Buffer.from(greeting.buffer).toString('hex'), response.toString('hex')]).toEqual(before);
});
