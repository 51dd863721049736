import { PacketCollector, PacketFramer } from '../../../mysql-bridge/protocol/packet-framer.ts';
import { hexFixtures } from '../fixtures.ts';

const captured = hexFixtures('client-server-9.7.4.hex');

export const capturedNames: readonly string[] = [...captured.keys()];

/** The wire bytes of a capture. */
export function capturedWire(name: string): Uint8Array {
  const bytes = captured.get(name);
  if (bytes === undefined) throw new Error(`no capture is called ${name}`);
  return bytes;
}

/** The payloads of the packets in a capture. */
export function capturedPayloads(name: string): Uint8Array[] {
  const collector = new PacketCollector({ payloadBytesMax: 0xff_ffff });
  const pieces = new PacketFramer().push(capturedWire(name));
  return pieces.flatMap((piece) => {
    const packet = collector.add(piece);
    return packet === null ? [] : [packet.payload];
  });
}

/** The payload of a capture of one packet. */
export function capturedPayload(name: string): Uint8Array {
  const [payload, ...others] = capturedPayloads(name);
  if (payload === undefined || others.length > 0) throw new Error(`${name} is not one packet`);
  return payload;
}
