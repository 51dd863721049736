import { geometry } from './timeline.ts';

/** A cursor on the timeline that follows the pointer and the arrow keys, and says what was so then. Only numbers and names are put into it. */
export const pageScript: string = `
{
const { width, left, right } = ${JSON.stringify(geometry)};
const { stoppedMs, widthMs, buckets, faults, leaders } = JSON.parse(document.getElementById('data').textContent);
const timeline = document.getElementById('timeline');
const cursor = document.getElementById('cursor');
const reading = document.getElementById('reading');
const clock = (ms) => { const s = Math.floor(ms / 1000); return Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0'); };
const ms = (value) => value === null ? '–' : value < 1000 ? value.toPrecision(3) + ' ms' : (value / 1000).toFixed(1) + ' s';
let at = 0;
function add(label, value) {
  const bold = document.createElement('b');
  bold.textContent = value;
  reading.append(label + ' ', bold, '   ');
}
function show(index) {
  at = Math.min(buckets.length - 1, Math.max(0, index));
  const bucket = buckets[at];
  const begun = at * widthMs;
  const place = left + (width - left - right) * Math.min(1, (begun + widthMs / 2) / stoppedMs);
  cursor.setAttribute('x1', place);
  cursor.setAttribute('x2', place);
  reading.textContent = '';
  add('at', clock(begun));
  add('ok/s', bucket.ok.toFixed(0));
  add('failed/s', bucket.failed.toFixed(1));
  add('unknown/s', bucket.unknown.toFixed(1));
  add('p50', ms(bucket.p50Ms));
  add('p99', ms(bucket.p99Ms));
  add('max', ms(bucket.maxMs));
  const leader = leaders.findLast((one) => one.fromMs <= begun + widthMs);
  add('leader', leader === undefined || leader.leader === null ? 'nobody' : leader.leader + ' in term ' + leader.term);
  const on = faults.filter((one) => one.beginMs < begun + widthMs && (one.endMs === null || one.endMs > begun));
  if (on.length > 0) add('fault', on.map((one) => one.name).join(', '));
}
timeline.addEventListener('pointermove', (event) => {
  const box = timeline.getBoundingClientRect();
  const x = (event.clientX - box.left) * width / box.width;
  show(Math.floor((x - left) / (width - left - right) * stoppedMs / widthMs));
});
timeline.addEventListener('focus', () => show(at));
timeline.addEventListener('keydown', (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  show(at + step);
});
}
`;
