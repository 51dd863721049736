import { expect, test } from 'vitest';
import { checkHistory } from '../../history/check-history.ts';
import { guessModel, loadModel, modelNames } from '../../history/models/registry.ts';
import { htmlReport } from '../../history/report/html-report.ts';
import { jsonReport } from '../../history/report/json-report.ts';
import type { Report } from '../../history/report/report.ts';
import { textReport } from '../../history/report/text-report.ts';
import { layOutTimeline } from '../../history/report/timeline-layout.ts';
import { parse } from './parse/support.ts';
import { operationsOf, type Sketch, sequence, write } from './support/build.ts';

const stale = `
{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :write, :value "<script>"}
{:process :nemesis, :type :info, :f :kill, :value :n1}
{:process 1, :type :ok, :f :write, :value "<script>"}
{:process 2, :type :invoke, :f :read, :value nil}
{:process 2, :type :ok, :f :read, :value 1}
{:process 3, :type :invoke, :f :write, :value 9007199254740993}`;

async function reportOn(text: string): Promise<Report> {
  const history = parse(text);
  return { file: 'run<1>.edn', history, ...(await checkHistory(history)) };
}

test('a person reads the verdict, the anomaly, the operations it takes with their lines, and the counts', async () => {
  expect(textReport(await reportOn(stale), { hasColours: false })).toBe(
    [
      'NOT VALID',
      'run<1>.edn · model register (guessed from the operations; --model names another)',
      '',
      '  stale-read  the register held 1, then another value, then 1 again, and 1 was there only once',
      '',
      '    line 2–3  process 0  ok    write 1',
      '    line 4–6  process 1  ok    write "<script>"',
      '    line 7–8  process 2  ok    read → 1',
      '',
      '  operations 4 · ok 3 · failed 0 · unknown 1 · stale-read 1',
    ].join('\n'),
  );
});

test('a program reads the same as JSON', async () => {
  expect(JSON.parse(jsonReport(await reportOn(stale)))).toMatchObject({
    file: 'run<1>.edn',
    model: 'register',
    modelGuessed: true,
    verdict: 'invalid',
    counts: { operations: 4, unknown: 1 },
    anomalies: [
      {
        name: 'stale-read',
        operations: [{ f: 'write', input: 1, callLine: 2, endLine: 3 }, {}, { output: 1 }],
      },
    ],
  });
});

test('what could not be decided says why, in each form', async () => {
  const report = await reportOn('');
  expect(report.verdict.kind).toBe('undecided');
  expect(textReport(report, { hasColours: false })).toContain('no operation of a client');
  expect(JSON.parse(jsonReport(report))).toMatchObject({ verdict: 'undecided' });
  expect(htmlReport(report)).toContain('no operation of a client');
});

test('the page stands by itself, escapes what the history holds, and marks the operations of the anomaly', async () => {
  const page = htmlReport(await reportOn(stale));
  expect(page).not.toMatch(/(?:src|href)=|@import|https?:/);
  expect(page.match(/<script>/g)).toHaveLength(1);
  expect(page).toContain('&lt;script&gt;');
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).toMatch(/class="anomaly shown"[^>]*tabindex="0" role="button" aria-expanded="true"/);
  const bars = [...page.matchAll(/<svg class="(bar [^"]*)"/g)].map(([, classes]) => classes);
  expect(bars).toEqual([
    'bar nemesis open',
    'bar ok hit',
    'bar ok hit',
    'bar ok hit',
    'bar info open',
  ]);
  expect(page.match(/class="arrow"/g)).toHaveLength(2);
  expect(page).toContain('unknown: may have happened');
});

test('elements of the page are closed in the order in which they were opened', async () => {
  const page = htmlReport(await reportOn(stale)).replaceAll(/<(script|style)>[\s\S]*?<\/\1>/g, '');
  const open: string[] = [];
  for (const [, slash, name = '', closed] of page.matchAll(/<(\/?)([a-z][\w-]*)[^>]*?(\/?)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name);
    else if (closed === '' && name !== 'meta') open.push(name);
  }
  expect(open).toEqual([]);
});

test('of a long history the page shows what is around the anomaly, and its size has a maximum', () => {
  const calm = Array.from({ length: 20_000 }, (_, index) => write(index));
  const operations = sequence(...calm);
  const told = operations.slice(9000, 9002);
  const anomaly = { name: 'x', explanation: 'x', operations: told, steps: [] };
  const layout = layOutTimeline({ operations, nemesis: [] }, [anomaly]);
  const shown = layout.bars.map(({ operation }) => operation.index);
  expect(shown).toHaveLength(1500);
  expect(shown).toEqual(expect.arrayContaining([9000, 9001]));
  expect(Math.max(...shown) - Math.min(...shown)).toBeLessThan(1600);
  expect(layout.total).toBe(20_000);
});

const guesses: readonly (readonly [string, readonly Omit<Sketch, 'at'>[]])[] = [
  ['register', [{ f: 'read' }, { f: 'write' }]],
  ['cas-register', [{ f: 'read' }, { f: 'cas' }]],
  ['mutex', [{ f: 'acquire' }]],
  ['bank', [{ f: 'transfer' }, { f: 'read' }]],
  ['set', [{ f: 'add' }, { f: 'read', output: [1] }]],
  ['set-full', [{ f: 'add' }, { f: 'read', output: [1] }, { f: 'add' }]],
  ['counter', [{ f: 'add' }, { f: 'read', output: 1 }]],
  ['list-append', [{ f: 'txn', input: [['append', 1, 2]] }]],
  ['long-fork', [{ f: 'txn', input: [['w', 1, 2]] }]],
  ['prefix', [{ f: 'append' }, { f: 'read' }]],
];

for (const [name, sketches] of guesses) {
  test(`operations ${sketches.map(({ f }) => f).join(', ')} are taken for ${name}`, async () => {
    expect(guessModel(sequence(...sketches))).toBe(name);
    expect((await loadModel(name)).name).toBe(name);
  });
}

test('every model has operations it is guessed from', () => {
  expect(guesses.map(([name]) => name).sort()).toEqual(modelNames.toSorted());
});

test('a model that does not exist, or an option that a model does not take, is refused with the choice', () => {
  expect(() => loadModel('elle')).toThrow(/no model "elle": choose register, /);
  expect(() => loadModel('mutex', { initial: 0 })).toThrow('mutex takes no --initial');
  expect(() => loadModel('set', { consistency: 'serial' })).toThrow('set takes no --consistency');
  expect(() => loadModel('list-append', { consistency: 'linearizable' })).toThrow(/knows strict-/);
  const odd = operationsOf([{ f: 'dequeue', at: [0, 1] }]);
  expect(() => guessModel(odd)).toThrow(/no model is known for operations "dequeue"/);
});
