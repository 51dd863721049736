import { clock } from './clock.ts';
import { disk } from './disk.ts';
import { membership } from './membership.ts';
import type { Nemesis } from './nemesis.ts';
import { delays, loss, partition, sessions } from './network.ts';
import { kill, pause, terminate } from './processes.ts';
import { sql } from './sql.ts';
import { transfer } from './transfer.ts';

/** Who does what is in the catalogue, by the same names. */
export const nemeses: Readonly<Record<string, Nemesis>> = {
  partition,
  loss,
  delay: delays,
  sessions,
  kill,
  terminate,
  pause,
  transfer,
  membership,
  sql,
  disk,
  clock,
};
