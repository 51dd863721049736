import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readAuthMoreData,
  readAuthSwitchRequest,
  writeAuthMoreData,
  writeAuthSwitchRequest,
} from '../../../mysql-bridge/protocol/auth-packets.ts';
import { capturedPayload } from './captured.ts';

const malformed = expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' });

test('a captured switch names its plug-in and brings a nonce with a zero byte behind it', () => {
  const payload = capturedPayload('auth-switch-request');

  const request = readAuthSwitchRequest(payload);

  expect(request.plugin).toBe('caching_sha2_password');
  expect(Buffer.from(request.initialBytes).toString('hex')).toBe(
    '781e490d303406474d6f783b6a2170320203727100',
  );
  expect(writeAuthSwitchRequest(request)).toEqual(payload);
});

test('the captured messages of the plug-in are read and written', () => {
  expect([...readAuthMoreData(capturedPayload('full-auth-required'))]).toEqual([4]);
  expect([...readAuthMoreData(capturedPayload('fast-auth-success'))]).toEqual([3]);
  const key = readAuthMoreData(capturedPayload('public-key'));
  expect(new TextDecoder().decode(key)).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  expect(writeAuthMoreData(key)).toEqual(capturedPayload('public-key'));
});

test('every switch and every message comes back', () => {
  const plugins = fc.string({ maxLength: 40 }).filter((plugin) => !plugin.includes('\0'));
  fc.assert(
    fc.property(plugins, fc.uint8Array({ maxLength: 60 }), (plugin, initialBytes) => {
      const written = writeAuthSwitchRequest({ plugin, initialBytes });
      const read = readAuthSwitchRequest(written);
      expect(read.plugin).toBe(plugin);
      expect(Buffer.compare(read.initialBytes, initialBytes)).toBe(0);
      expect(Buffer.compare(readAuthMoreData(writeAuthMoreData(initialBytes)), initialBytes)).toBe(
        0,
      );
    }),
  );
});

test('a switch to the password format of before 4.1 is refused, and so is the wrong header', () => {
  expect(() => readAuthSwitchRequest(Uint8Array.of(0xfe))).toThrow(malformed);
  expect(() => readAuthSwitchRequest(capturedPayload('fast-auth-success'))).toThrow(malformed);
  expect(() => readAuthMoreData(capturedPayload('auth-switch-request'))).toThrow(malformed);
});
