import { htmlReport } from '../../../history/report/html-report.ts';
import { escaped } from '../../../history/report/timeline-svg.ts';
import type { Check } from '../judge/check.ts';
import type { JudgedRun } from '../judge/judge-run.ts';
import { type Buckets, bucketsOf } from './buckets.ts';
import { gapChart } from './gap-chart.ts';
import { leaderSpans } from './leader-spans.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import {
  durationText,
  faultsByNemesis,
  gapsText,
  outcomeWord,
  type RunSummary,
  summaryOf,
} from './summary.ts';
import { timelineSvg } from './timeline.ts';

const violationsShownMax = 8;

/** The whole run as one page that needs nothing else. `title` says what was run. */
export function reportPage(run: JudgedRun, title: string): string {
  const summary = summaryOf(run);
  const buckets = bucketsOf(run.operations, run.stoppedMs);
  const word = summary.isSound ? 'Every check held' : 'Not every check held';
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escaped(`${word}: ${title}`)}</title><style>${pageStyle}</style></head><body>`,
    `<header><h1><span class="${summary.isSound ? 'held' : 'violated'}">${word}</span></h1><p class="about">${escaped(title)}</p>`,
    `${tiles(summary)}</header><main>`,
    `<h2>Timeline</h2><div class="panel">${legend()}${timelineSvg(run, buckets)}<p id="reading" aria-live="polite">Point at the timeline, or focus it and use the arrow keys.</p></div>`,
    gapSection(run, summary),
    `<h2>Verdicts</h2><div class="panel">${verdictRows(run.checks)}</div>`,
    ...anomalySections(run),
    faultSection(run),
    `</main><script type="application/json" id="data">${dataOf(run, buckets)}</script><script>${pageScript}</script></body></html>`,
    '',
  ].join('\n');
}

function tiles(summary: RunSummary): string {
  const { operations, seconds, failovers, failoversOfMajority, faultsByKind } = summary;
  const { ok, failed, unknown } = operations;
  const all = ok + failed + unknown;
  const faults = Object.values(faultsByKind).reduce((sum, count) => sum + count, 0);
  const entries: readonly (readonly [string, string])[] = [
    [all.toLocaleString('en'), `operations in ${durationText(seconds * 1000)}`],
    [
      `${((ok / Math.max(1, all)) * 100).toFixed(1)} %`,
      `ended well; ${failed} failed, ${unknown} unknown`,
    ],
    [`${(ok / Math.max(1, seconds)).toFixed(0)}/s`, 'ended well'],
    [String(faults), 'faults'],
    [String(failovers), `failovers, ${failoversOfMajority} while a majority could serve`],
    gapTile(summary),
  ];
  return `<ul class="tiles">${entries.map(([value, what]) => `<li><b>${escaped(value)}</b>${escaped(what)}</li>`).join('')}</ul>`;
}

/** What a failover costs where nothing else stood in the way; a majority that is gone serves nobody. */
function gapTile({ writeGapMs, writeGapOfMajorityMs }: RunSummary): readonly [string, string] {
  const gaps = writeGapOfMajorityMs.median === null ? writeGapMs : writeGapOfMajorityMs;
  const whose = gaps === writeGapMs ? '' : ' while a majority could serve';
  return [
    durationText(gaps.median),
    `write gap, median${whose}; p99 ${durationText(gaps.p99)}, max ${durationText(gaps.max)}`,
  ];
}

function legend(): string {
  const keys = [
    ['--fault', 'fault, a majority is whole'],
    ['--grave', 'without a majority, or beside another'],
    ['--ok', 'ok'],
    ['--fail', 'failed'],
    ['--info', 'unknown'],
    ['--p50', 'median'],
    ['--p99', 'p99'],
    ['--max', 'maximum'],
  ] as const;
  const spans = keys.map(([colour, name]) => `<span style="--of: var(${colour})">${name}</span>`);
  return `<p class="legend">${spans.join('')}<span class="striped">nobody leads</span></p>`;
}

function gapSection({ failovers }: JudgedRun, summary: RunSummary): string {
  const heading = '<h2>Write gap per failover</h2>';
  if (failovers.length === 0)
    return `${heading}<div class="panel"><p class="note">There was no failover.</p></div>`;
  const keys =
    '<p class="legend"><span style="--of: var(--fault)">a majority could serve</span><span style="--of: var(--grave)">without a majority, or beside another fault</span></p>';
  const texts = [
    'The longest time without an acknowledged write around each change of the serving leader.',
    `While a majority could serve: ${gapsText(summary.writeGapOfMajorityMs)}.`,
  ];
  return `${heading}<div class="panel">${keys}<p class="note">${texts.join(' ')}</p>${gapChart(failovers)}</div>`;
}

function verdictRows(checks: readonly Check[]): string {
  const rows = checks.map((check) => {
    const shown = check.violations
      .slice(0, violationsShownMax)
      .map((text) => `<li>${escaped(text)}</li>`);
    const left = check.violations.length - shown.length;
    if (left > 0) shown.push(`<li>and ${left} more</li>`);
    const list = shown.length === 0 ? '' : `<ul>${shown.join('')}</ul>`;
    const count = (name: string): string => check.counts[name]?.toLocaleString('en') ?? '';
    return [
      `<tr><td class="group">${check.group}</td><td class="name">${escaped(check.name)}</td>`,
      `<td><span class="word ${check.outcome}">${outcomeWord(check)}</span></td>`,
      `<td class="number">${count('operations')}</td><td class="number">${count('unknown')}</td>`,
      `<td>${escaped(check.summary)}${list}</td></tr>`,
    ].join('');
  });
  return `<table><thead><tr><th>group</th><th>check</th><th>verdict</th><th class="number">operations</th><th class="number">unknown</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** Each stream with an anomaly as its own page within this one, where its operations can be walked through. */
function anomalySections(run: JudgedRun): readonly string[] {
  const sections = run.checks.flatMap((check) => {
    const operations = run.anomalousStreams.get(check.name);
    if (operations === undefined || check.anomalies.length === 0) return [];
    const page = htmlReport({
      file: check.name,
      model: check.name,
      isGuessed: false,
      history: { operations, nemesis: [] },
      verdict: {
        kind: 'invalid',
        anomalies: check.anomalies,
        counts: new Map(Object.entries(check.counts)),
      },
    });
    const names = [...new Set(check.anomalies.map(({ name }) => name))].join(', ');
    return [
      `<details open><summary>${escaped(check.name)}: ${escaped(names)}</summary><p class="why">${escaped(check.anomalies[0]?.explanation ?? '')}</p>`,
      `<iframe title="${escaped(`anomalies of ${check.name}`)}" loading="lazy" srcdoc="${escaped(page)}"></iframe></details>`,
    ];
  });
  return sections.length === 0 ? [] : ['<h2>Anomalies</h2>', ...sections];
}

function faultSection({ faults }: JudgedRun): string {
  const rows = faultsByNemesis(faults).map(
    ({ name, count, variants }) =>
      `<tr><td class="name">${escaped(name)}</td><td class="number">${count}</td><td>${escaped(variants)}</td></tr>`,
  );
  if (rows.length === 0) return '';
  return `<h2>Faults by kind</h2><div class="panel"><table><tbody>${rows.join('')}</tbody></table></div>`;
}

/** For the script; no text of it can end the element it stands in. */
function dataOf(run: JudgedRun, { buckets, widthMs }: Buckets): string {
  const { stoppedMs } = run;
  const faults = run.faults.map(({ name, beginMs, endMs }) => ({ name, beginMs, endMs }));
  const leaders = leaderSpans(run.leaders, stoppedMs);
  return JSON.stringify({ stoppedMs, widthMs, buckets, faults, leaders }).replaceAll(
    '<',
    '\\u003c',
  );
}
