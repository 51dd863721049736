import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rerunTranscript } from '../support/transcript.ts';
import { TranscriptNetwork } from './transcript-network.ts';

// Goal: what the machines do, message by message, in the situations that went wrong elsewhere (HAZARDS R1–R13).
// Method: each file in testdata is a script with its output; it is run again and must come out the same.
// `vitest -u` rewrites the outputs, to be read as a diff.

const folder = new URL('testdata/', import.meta.url).pathname;

for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt'))) {
  test(`transcript: ${titleOf(name)}`, async () => {
    const network = new TranscriptNetwork();

    const rendered = rerunTranscript(readFileSync(folder + name, 'utf8'), (block) =>
      network.run(block.command),
    );

    await expect(rendered).toMatchFileSnapshot(folder + name);
  });
}

/** The first line of a transcript says what it shows. */
function titleOf(name: string): string {
  const [first = ''] = readFileSync(folder + name, 'utf8').split('\n');
  return first.replace(/^# /, '');
}
