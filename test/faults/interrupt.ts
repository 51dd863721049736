import { interruptRun, laterMoments, startUpMoments } from './interrupted-run.ts';

// Interrupts real runs at every moment known: `node test/faults/interrupt.ts`. Exit status 1 when one of them left something behind.

const basePort = 26_500;

for (const moment of [...startUpMoments(basePort), ...laterMoments(basePort)]) {
  const { status, signal, remains } = await interruptRun(moment);
  const left = remains.length === 0 ? 'nothing is left' : `LEFT: ${remains.join(', ')}`;
  process.stdout.write(`${moment.name}: ended with ${signal ?? status}; ${left}\n`);
  if (remains.length > 0) process.exitCode = 1;
}
