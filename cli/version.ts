import { readFileSync } from 'node:fs';

/** From package.json, which lies one folder up in a checkout and two in a published package. */
export const packageVersion: string = readVersion(['../package.json', '../../package.json']);

function readVersion(candidates: readonly string[]): string {
  for (const candidate of candidates) {
    try {
      const { name, version } = JSON.parse(
        readFileSync(new URL(candidate, import.meta.url), 'utf8'),
      );
      if (name === 'binraft' && typeof version === 'string') return version;
    } catch {
      // The next candidate is looked at; none found is told below.
    }
  }
  return '0.0.0';
}
