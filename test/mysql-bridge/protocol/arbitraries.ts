import fc from 'fast-check';

// What the round trips of the protocol are made of.

export const u16: fc.Arbitrary<number> = fc.nat(0xffff);
export const u32: fc.Arbitrary<number> = fc.nat(0xffff_ffff);
/** Every length of a length-encoded integer is as likely as the others. */
export const u64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt(0n, 0xffn),
  fc.bigInt(0n, 0x1_0000n),
  fc.bigInt(0n, 0x100_0000n),
  fc.bigInt(0n, (1n << 64n) - 1n),
);
/** Any text that UTF-8 can carry. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom('\uFEFFmarked', '\0', 'x'.repeat(300)) },
);
