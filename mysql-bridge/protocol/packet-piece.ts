/**
 * A piece of one logical packet, in the order received, headers removed and 16 MiB splits already joined: a packet may be
 * larger than memory allows, so nobody has to hold it whole. `MySQL: Client/Server Protocol, Sending More Than 16Mb`.
 */
export interface PacketPiece {
  readonly bytes: Uint8Array;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** The sequence id of the wire packet this piece came in. */
  readonly sequence: number;
}
