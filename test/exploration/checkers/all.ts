import type { Checker } from './checker.ts';
import { g1Acks } from './g1-acks.ts';
import { g2Visible } from './g2-visible.ts';
import { g3Acknowledged } from './g3-acknowledged.ts';
import { g4Errors } from './g4-errors.ts';
import { g5Errant } from './g5-errant.ts';
import { g6Order } from './g6-order.ts';
import { g7Deposed } from './g7-deposed.ts';
import { oneServer } from './one-server.ts';

export const checkers: readonly Checker[] = [
  g1Acks,
  g2Visible,
  g3Acknowledged,
  g4Errors,
  g5Errant,
  g6Order,
  g7Deposed,
  oneServer,
];
