import { contentOf, errantWaiting, gtidOf, transactionsIn } from '../node-state.ts';
import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

/** HAZARDS G6: one order in log, binlog and engine; each transaction takes effect once; a GTID names one of them for ever. */
export const g6Order: Checker = {
  property: 'G6',
  onNode: ({ node }, { ledger }) => {
    const committed = transactionsIn(ledger);
    const gtids = committed.map(gtidOf);
    const twice = committed.find((each, at) => gtids.indexOf(gtidOf(each)) !== at);
    if (twice !== undefined) return `the log holds the GTID of ${textOf(twice)} twice`;
    const engine = node.engine.filter(
      (each) => contentOf(each) < errantWaiting || committed.includes(each),
    );
    const place = engine.findIndex((each, position) => each !== committed[position]);
    if (place === -1) return null;
    return `the engine's transaction ${place + 1} is ${textOf(engine[place] ?? 0)}, the log's is ${textOf(committed[place] ?? 0)}`;
  },
};
