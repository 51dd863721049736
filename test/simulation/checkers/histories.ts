import type { History } from '../../../history/history.ts';
import { createListAppendModel } from '../../../history/list-append/list-append-model.ts';
import { createBank } from '../../../history/models/bank.ts';
import { createCasRegister } from '../../../history/models/register.ts';
import { createSetFull } from '../../../history/models/set-full.ts';
import type { CheckLimits, Model, Verdict } from '../../../history/verdict.ts';
import { accountBalance, accounts } from '../clients/workloads.ts';
import type { Simulation } from '../kernel/simulation.ts';
import type { Histories } from '../node/cluster-apps.ts';

/** A history of one run is small: what needs more than this is undecided, and that is told. */
const limits: CheckLimits = { memoryBytesMax: 256 * 1024 * 1024, stepsMax: 20_000_000 };

interface Judged {
  readonly rule: string;
  readonly history: History;
  readonly model: Model;
}

/** The histories of the clients, each judged by its model. Answers the names of those that could not be decided. */
export function judgeHistories(simulation: Simulation, histories: Histories): readonly string[] {
  const bank = createBank({ total: accounts.length * accountBalance });
  const judged: readonly Judged[] = [
    { rule: 'C1', history: histories.registers.history, model: createCasRegister() },
    {
      rule: 'C2',
      history: histories.lists.history,
      model: createListAppendModel({ consistency: 'strict-serializable' }),
    },
    { rule: 'C4', history: histories.bank.history, model: bank },
    { rule: 'C4', history: histories.staleBank.history, model: bank },
    { rule: 'C5', history: histories.set.history, model: createSetFull() },
  ];
  const undecided: string[] = [];
  for (const { rule, history, model } of judged) {
    const verdict = model.check(history.operations, limits);
    if (verdict.kind === 'undecided') undecided.push(`${rule} ${model.name}: ${verdict.reason}`);
    if (verdict.kind === 'invalid') simulation.violated(rule, `${model.name}: ${words(verdict)}`);
  }
  return undecided;
}

function words({ anomalies }: Extract<Verdict, { readonly kind: 'invalid' }>): string {
  const [first] = anomalies;
  if (first === undefined) return 'invalid';
  const shown = first.operations
    .slice(0, 6)
    .map(
      ({ process, f, input, output, outcome, callAt, endAt }) =>
        `${process} ${f} ${text(input)} ${outcome} ${text(output)} [${callAt}, ${endAt}]`,
    );
  return `${first.name}: ${first.explanation}: ${shown.join(' | ')}`;
}

function text(value: unknown): string {
  const json = JSON.stringify(value, (_, part: unknown) =>
    part instanceof Map ? Object.fromEntries(part) : part,
  );
  return json.length > 120 ? `${json.slice(0, 120)}…` : json;
}
