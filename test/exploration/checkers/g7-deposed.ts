import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

/** HAZARDS G7: a node that knows it does not lead any more lets no OK out and sends no ack, whatever is committed. */
export const g7Deposed: Checker = {
  property: 'G7',
  onEvent: (event) => {
    if (event.kind === 'answered-ok' && !event.leads) {
      return `a deposed leader answers OK for ${textOf(event.transaction)}`;
    }
    if (event.kind === 'acked' && !event.leads) return 'a deposed leader sends an ack';
    return null;
  },
};
