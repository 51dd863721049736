import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesEqual, concatBytes } from '../../../base/bytes.ts';
import { CommandCode, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import { SessionUnderTest } from './session-under-test.ts';
import { classic, command, modern, query, Response } from './wire.ts';

// Goal: whatever the client and the server say and however the stream is cut, the client reads what the server wrote, and
// nothing leaves that was not confirmed. Method: random dialogues, random cuts, leadership confirmed late, the gate closed anywhere.

interface Exchange {
  readonly command: Uint8Array;
  readonly response: Uint8Array;
}

const more = ServerStatus.autocommit | ServerStatus.moreResultsExist;
const text = fc.string({ maxLength: 40 });
const part = fc.oneof(
  fc.constant((r: Response, status: number) => r.ok(status)),
  fc.tuple(fc.integer({ min: 1, max: 5 }), fc.array(text, { maxLength: 6 })).map(
    ([count, rows]) =>
      (r: Response, status: number) =>
        r.columns(count).rows(rows).end(status),
  ),
);

function exchange(capabilities: number): fc.Arbitrary<Exchange> {
  const results = fc
    .tuple(text, fc.array(part, { minLength: 1, maxLength: 3 }))
    .map(([sql, parts]) => {
      const response = new Response(capabilities);
      for (const [index, write] of parts.entries()) {
        write(response, index === parts.length - 1 ? ServerStatus.autocommit : more);
      }
      return { command: query(sql), response: response.bytes };
    });
  const simple = fc.constantFrom(CommandCode.ping, CommandCode.resetConnection).map((code) => ({
    command: command(code),
    response: new Response(capabilities).ok().bytes,
  }));
  const failed = text.map((sql) => ({
    command: query(sql),
    response: new Response(capabilities).err().bytes,
  }));
  const silent = fc.uint8Array({ maxLength: 30 }).map((body) => ({
    command: command(CommandCode.stmtSendLongData, body),
    response: new Uint8Array(0),
  }));
  return fc.oneof(results, simple, failed, silent);
}

function cuts(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; offset += size) {
    chunks.push(bytes.subarray(offset, offset + size));
  }
  return chunks;
}

const dialogue = fc.constantFrom(modern, classic).chain((capabilities) =>
  fc.record({
    capabilities: fc.constant(capabilities),
    exchanges: fc.array(exchange(capabilities), { minLength: 1, maxLength: 6 }),
    clientCut: fc.integer({ min: 1, max: 60 }),
    serverCut: fc.integer({ min: 1, max: 60 }),
  }),
);

test('the client reads what the server wrote, byte for byte, however it is cut and whenever it is confirmed', () => {
  fc.assert(
    fc.property(dialogue, fc.nat(5), ({ capabilities, exchanges, clientCut, serverCut }, late) => {
      const session = SessionUnderTest.loggedIn(capabilities, { queuedBytesMax: 1_000_000 });
      // All commands at once: the machine has to hand them on one at a time.
      const commands = concatBytes(exchanges.map((each) => each.command));
      for (const chunk of cuts(commands, clientCut)) session.client(chunk);

      for (const { response } of exchanges) {
        if (response.length === 0) continue;
        session.gate.mayLeave = false;
        const before = session.toClient.length;
        for (const [index, chunk] of cuts(response, serverCut).entries()) {
          expect(session.toClient.length > before, 'nothing leaves unconfirmed').toBe(index > late);
          session.server(chunk);
          if (index === late) session.confirm();
        }
        session.confirm();
      }

      expect(session.toServer).toEqual(commands);
      expect(session.toClient).toEqual(concatBytes(exchanges.map((each) => each.response)));
      expect(session.machine.phase).toBe('idle');
    }),
    { numRuns: 300 },
  );
});

test('once the gate is closed, nothing that says OK follows; a whole error or silence ends the stream (H16)', () => {
  fc.assert(
    fc.property(dialogue, fc.nat(), fc.boolean(), (drawn, closeAt, mayLeave) => {
      const { capabilities, exchanges, serverCut } = drawn;
      const session = SessionUnderTest.loggedIn(capabilities);
      session.gate.mayLeave = mayLeave;
      const written = concatBytes(exchanges.map((each) => each.response));
      const steps = exchanges.flatMap(({ command: bytes, response }) => [
        () => session.client(bytes),
        ...cuts(response, serverCut).map((chunk) => () => session.server(chunk)),
      ]);
      const end = closeAt % (steps.length + 1);
      for (const step of steps.slice(0, end)) step();
      const before = session.toClient;

      session.step({ kind: 'end', cause: 'moved' });
      const ordersAtEnd = session.orders.length;
      for (const step of steps.slice(end)) step();
      session.confirm();

      expect(session.toClient).toEqual(before);
      expect(session.orders).toHaveLength(ordersAtEnd);
      expect(bytesEqual(before, written.subarray(0, before.length))).toBe(true);
      if (!mayLeave) expect(before).toHaveLength(0);
      expect(['close', 'abort']).toContain(session.kinds.at(-1));
      if (session.kinds.at(-1) === 'close') expect(session.error?.code).toMatch(/^PROXY_/);
    }),
    { numRuns: 300 },
  );
});

test('any bytes from either side end in a refusal or are passed; never in a throw (S1)', () => {
  const side = fc.constantFrom<'client-bytes' | 'server-bytes'>('client-bytes', 'server-bytes');
  const input = fc.tuple(side, fc.uint8Array({ maxLength: 80 }));
  fc.assert(
    fc.property(fc.array(input, { maxLength: 12 }), fc.boolean(), (inputs, isLoggedIn) => {
      const session = isLoggedIn ? SessionUnderTest.loggedIn() : new SessionUnderTest();
      for (const [kind, bytes] of inputs) session.step({ kind, bytes });
    }),
    { numRuns: 1000 },
  );
});
