import { BytesError } from '../../base/bytes.ts';
import { OperationalError } from '../../base/errors.ts';

/** What arrived cannot be a packet of the protocol. The connection it came from is of no further use. */
export class MalformedPacketError extends OperationalError {
  override readonly name = 'MalformedPacketError';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('MYSQL_PACKET_MALFORMED', message, { cause: options.cause });
  }
}

/** A packet larger than its receiver takes at this point; found at its header, before anything was kept. */
export class PacketTooLargeError extends OperationalError {
  override readonly name = 'PacketTooLargeError';

  constructor(bytesMax: number) {
    super('MYSQL_PACKET_TOO_LARGE', `a packet is larger than the ${bytesMax} bytes allowed here`);
  }
}

/** The boundary of every decoder: input that ends early, or claims too much, becomes `MalformedPacketError`. */
export function decoding<Value>(packetName: string, decode: () => Value): Value {
  try {
    return decode();
  } catch (thrown) {
    if (!(thrown instanceof BytesError)) throw thrown;
    throw new MalformedPacketError(`${packetName}: ${thrown.message}`, { cause: thrown });
  }
}
