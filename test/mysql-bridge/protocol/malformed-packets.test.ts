import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readAuthMoreData,
  readAuthSwitchRequest,
} from '../../../mysql-bridge/protocol/auth-packets.ts';
import { readColumnDefinition } from '../../../mysql-bridge/protocol/column-definition.ts';
import { readCommand } from '../../../mysql-bridge/protocol/commands.ts';
import { Capability } from '../../../mysql-bridge/protocol/constants.ts';
import { readResultSetEnd } from '../../../mysql-bridge/protocol/eof-packet.ts';
import { readErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import {
  filterGreetingCapabilities,
  filterResponseCapabilities,
  readGreeting,
  readGreetingAnswer,
} from '../../../mysql-bridge/protocol/handshake.ts';
import { readOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import { QueryAnswerReader, readTextRow } from '../../../mysql-bridge/protocol/result-set.ts';
import { readSessionChanges } from '../../../mysql-bridge/protocol/session-track.ts';
import { capturedNames, capturedPayloads } from './captured.ts';

// Goal: no input makes a decoder fail in another way than by its one error (HAZARDS S1). Method: captured packets of every
// kind, cut and with flipped bits, and bytes at random, through every decoder.

const modern =
  Capability.deprecateEof |
  Capability.sessionTrack |
  Capability.queryAttributes |
  Capability.pluginAuth;
const classic = Capability.pluginAuth;

const decoders: readonly [string, (payload: Uint8Array) => unknown][] = [
  ['auth switch request', readAuthSwitchRequest],
  ['auth more data', readAuthMoreData],
  ['column definition', readColumnDefinition],
  ['command', (payload) => readCommand(payload, modern)],
  ['command without attributes', (payload) => readCommand(payload, classic)],
  ['end of a result set', (payload) => readResultSetEnd(payload, modern)],
  ['classic end of a result set', (payload) => readResultSetEnd(payload, classic)],
  ['ERR', readErr],
  ['greeting', readGreeting],
  ['filtered greeting', (payload) => filterGreetingCapabilities(payload, classic)],
  ['handshake response', readGreetingAnswer],
  ['filtered handshake response', (payload) => filterResponseCapabilities(payload, modern)],
  ['OK', (payload) => readOk(payload, modern)],
  ['OK without session changes', (payload) => readOk(payload, classic)],
  ['row', (payload) => readTextRow(payload, 3)],
  ['session changes', readSessionChanges],
  ['answer', (payload) => new QueryAnswerReader({ capabilities: modern, rowsMax: 2 }).add(payload)],
];

const samples = capturedNames.flatMap(capturedPayloads);
const damaged = fc
  .record({
    sample: fc.constantFrom(...samples),
    length: fc.double({ min: 0, max: 1, noNaN: true }),
    flips: fc.array(fc.nat(), { maxLength: 4 }),
  })
  .map(({ sample, length, flips }) => {
    const bytes = new Uint8Array(sample).subarray(0, Math.ceil(length * sample.length));
    for (const flip of flips) {
      const at = (flip >>> 3) % Math.max(bytes.length, 1);
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << (flip & 7));
    }
    return bytes;
  });

test.each(decoders)('%s: damaged input is read or refused as malformed', (_, decode) => {
  const input = fc.oneof(damaged, fc.uint8Array({ maxLength: 100 }));
  fc.assert(
    fc.property(input, (payload) => {
      try {
        decode(payload);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'MYSQL_PACKET_MALFORMED' });
      }
    }),
    { numRuns: 300 },
  );
});
