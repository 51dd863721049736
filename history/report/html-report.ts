import type { Anomaly, Verdict } from '../verdict.ts';
import { describe, lines } from './describe.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import type { Report } from './report.ts';
import { layOutTimeline, type TimelineLayout } from './timeline-layout.ts';
import { escaped, timelineSvg } from './timeline-svg.ts';

const anomaliesShownMax = 20;
const titles: Readonly<Record<Verdict['kind'], string>> = {
  valid: 'Valid',
  invalid: 'Not valid',
  undecided: 'Undecided',
};

/** One page with everything in it: what was found, and a timeline of the operations around it. */
export function htmlReport(report: Report): string {
  const { verdict, history } = report;
  const anomalies = verdict.kind === 'invalid' ? verdict.anomalies.slice(0, anomaliesShownMax) : [];
  const layout = layOutTimeline(history, anomalies);
  const hasAnomaly = anomalies.length > 0 ? ' class="has-anomaly"' : '';
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${titles[verdict.kind]}: ${escaped(report.file)}</title>`,
    `<style>${pageStyle}</style></head><body>`,
    headerHtml(report),
    '<main>',
    ...anomalies.map(anomalyHtml),
    toolsHtml(layout),
    `<div id="view" tabindex="0"${hasAnomaly}>${timelineSvg(layout, anomalies)}</div>`,
    `</main><script>${pageScript}</script></body></html>`,
    '',
  ].join('\n');
}

function headerHtml({ file, model, isGuessed, verdict }: Report): string {
  const about = `${file} · model ${model}${isGuessed ? ' (guessed from the operations)' : ''}`;
  const counts =
    verdict.kind === 'undecided'
      ? `<p>${escaped(verdict.reason)}</p>`
      : `<ul class="counts">${[...verdict.counts].map(([name, count]) => `<li>${escaped(name)} <b>${count}</b></li>`).join('')}</ul>`;
  const title = `<span class="${verdict.kind}">${titles[verdict.kind]}</span>`;
  return `<header><h1>${title}</h1><p class="about">${escaped(about)}</p>${counts}</header>`;
}

function anomalyHtml({ name, explanation, operations, steps }: Anomaly, index: number): string {
  const items = operations.map((operation, place) => {
    const where = `process ${operation.process}, lines ${lines(operation)}, ${operation.outcome}`;
    const step = steps[place];
    const why = step === undefined ? '' : `<span class="why">↳ ${escaped(step)}</span>`;
    return `<li>${escaped(describe(operation, 300))} <span class="where">${escaped(where)}</span>${why}</li>`;
  });
  const state = index === 0 ? ' shown' : '';
  return `<section class="anomaly${state}" data-anomaly="${index}" tabindex="0" role="button" aria-expanded="${index === 0}"><h2>${escaped(name)}</h2><p>${escaped(explanation)}</p><ol>${items.join('')}</ol></section>`;
}

function toolsHtml({ bars, total, nemesis }: TimelineLayout): string {
  const extent =
    bars.length === total ? `all ${total} operations` : `${bars.length} of ${total} operations`;
  const nemesisKey = nemesis.length === 0 ? '' : '<span class="key nemesis">nemesis</span>';
  return [
    '<div class="tools"><button id="closer">+</button><button id="farther">−</button><button id="fit">fit</button>',
    '<span class="key ok">ok</span><span class="key fail">failed</span><span class="key info">unknown</span>',
    `${nemesisKey}<span class="key hit">anomaly</span>`,
    `<span>${extent} · order of events, not time · wheel or + and − zoom, dragging or arrows move, 0 fits</span></div>`,
  ].join('');
}
