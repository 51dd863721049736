import { readFileSync } from 'node:fs';

/** The named lines of a `.hex` file beside this one: `name hex`, with `#` comments between. */
export function hexFixtures(file: string): ReadonlyMap<string, Uint8Array> {
  const text = readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [name = '', hex = ''] = line.split(' ');
      return [name, new Uint8Array(Buffer.from(hex, 'hex'))];
    }),
  );
}
