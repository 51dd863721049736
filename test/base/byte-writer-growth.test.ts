import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../base/bytes.ts';

test('a writer that outgrows its first buffer loses nothing, whatever field makes it grow', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(6), (filler, field) => {
      const writer = new ByteWriter(8).zeros(filler);
      writeField(writer, field);

      const reader = new ByteReader(writer.finish());

      expect(reader.bytes(filler)).toEqual(new Uint8Array(filler));
      expect(readField(reader, field)).toBe(7n);
      expect(reader.left).toBe(0);
    }),
  );
});

function writeField(writer: ByteWriter, field: number): void {
  if (field === 0) writer.u8(7);
  else if (field === 1) writer.u16(7);
  else if (field === 2) writer.u24(7);
  else if (field === 3) writer.u32(7);
  else if (field === 4) writer.u48(7);
  else if (field === 5) writer.u64(7n);
  else writer.bytes(Uint8Array.of(7));
}

function readField(reader: ByteReader, field: number): bigint {
  if (field === 0) return BigInt(reader.u8());
  if (field === 1) return BigInt(reader.u16());
  if (field === 2) return BigInt(reader.u24());
  if (field === 3) return BigInt(reader.u32());
  if (field === 4) return BigInt(reader.u48());
  if (field === 5) return reader.u64();
  return BigInt(reader.u8());
}
