import { geometry } from './timeline-svg.ts';

/** Zoom by wheel, button or key, pan by dragging, one anomaly at a time; names stay in sight. Only numbers are put into it: no text of the history runs. */
export const pageScript: string = `
// In a block of its own: a page has globals such as top, which no script may declare again.
{
const { left, top, laneHeight, barHeight, columnWidth } = ${JSON.stringify(geometry)};
const view = document.getElementById('view');
const svg = document.getElementById('timeline');
const columns = Number(svg.dataset.columns);
const names = document.getElementById('names');
const lanes = [...svg.querySelectorAll('.lane')];
const bars = [...svg.querySelectorAll('.bar')];
const places = bars.map((bar) => ({ from: Number(bar.dataset.from), to: Number(bar.dataset.to), y: Number(bar.getAttribute('y')) + barHeight / 2, text: bar.querySelector('text'), shift: 6 }));
const cards = [...document.querySelectorAll('.anomaly')];
const scaleMax = 400;
let scale = columnWidth;
let scheduled = null;
const place = (bar) => places[Number(bar.id.slice(3))];
const scaleMin = () => Math.min(0.5, Math.max(0.01, (view.clientWidth - left - 30) / columns));
const within = (wanted) => Math.min(scaleMax, Math.max(scaleMin(), wanted));
// Names of lanes stay at the edge, and a bar that began before it is named where it can be seen.
function keepInSight() {
  const edge = view.scrollLeft;
  names.setAttribute('transform', 'translate(' + edge + ',0)');
  for (const one of places) {
    const x = left + one.from * scale;
    const width = (one.to - one.from) * scale;
    const hidden = edge + left - x;
    const shift = hidden > 0 && hidden < width - 40 ? hidden + 6 : 6;
    if (shift !== one.shift) one.text.setAttribute('x', one.shift = shift);
  }
}
function layOut() {
  const width = left + columns * scale + 20;
  svg.setAttribute('width', width);
  for (const lane of lanes) lane.setAttribute('width', width);
  for (let index = 0; index < bars.length; index += 1) {
    const { from, to } = places[index];
    bars[index].setAttribute('x', left + from * scale);
    bars[index].setAttribute('width', Math.max(4, (to - from) * scale));
  }
  for (const badge of svg.querySelectorAll('.badge')) {
    const { from, y } = place(bars[badge.dataset.bar]);
    badge.setAttribute('transform', 'translate(' + (left + from * scale) + ',' + (y - barHeight / 2) + ')');
  }
  for (const arrow of svg.querySelectorAll('.arrow')) {
    const one = place(bars[arrow.dataset.from]);
    const other = place(bars[arrow.dataset.to]);
    const x1 = left + (one.from + one.to) / 2 * scale;
    const x2 = left + (other.from + other.to) / 2 * scale;
    const bend = one.y === other.y ? laneHeight : Math.sign(x2 - x1 || 1) * 14;
    arrow.setAttribute('d', 'M' + x1 + ',' + one.y + ' Q' + ((x1 + x2) / 2 + bend) + ',' + ((one.y + other.y) / 2 - Math.abs(bend)) + ' ' + x2 + ',' + other.y);
  }
}
// Wheels turn faster than pages are laid out: one layout a frame, of all that was turned since.
function zoom(factor, atX) {
  if (scheduled === null) {
    scheduled = { factor: 1, atX };
    requestAnimationFrame(() => {
      const turned = scheduled;
      scheduled = null;
      const before = (view.scrollLeft + turned.atX - left) / scale;
      scale = within(scale * turned.factor);
      layOut();
      view.scrollLeft = before * scale + left - turned.atX;
      keepInSight();
    });
  }
  scheduled.factor *= factor;
  scheduled.atX = atX;
}
function fit() {
  scale = within((view.clientWidth - left - 30) / columns);
  layOut();
  keepInSight();
}
function show(index, scrolls) {
  for (const part of document.querySelectorAll('.story, .anomaly')) part.classList.toggle('shown', part.dataset.anomaly === String(index));
  for (const card of cards) card.setAttribute('aria-expanded', card.classList.contains('shown'));
  for (const bar of bars) bar.classList.toggle('hit', bar.dataset.anomalies.includes(' ' + index + ' '));
  const hits = places.filter((_, at) => bars[at].classList.contains('hit'));
  if (hits.length === 0 || !scrolls) return;
  const from = Math.min(...hits.map((one) => one.from));
  const to = Math.max(...hits.map((one) => one.to));
  const y = Math.min(...hits.map((one) => one.y));
  // Close enough to read, unless the anomaly would not be seen as a whole.
  scale = within(Math.min(Math.max(scale, columnWidth), Math.max(2, (view.clientWidth - left - 60) / (to - from))));
  layOut();
  view.scrollTo({ left: from * scale - 20, top: y - 120 });
  keepInSight();
}
view.addEventListener('wheel', (event) => {
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - view.getBoundingClientRect().left);
}, { passive: false });
let held = null;
view.addEventListener('pointerdown', (event) => { held = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop }; view.classList.add('dragging'); });
addEventListener('pointermove', (event) => { if (held !== null) view.scrollTo(held.x - event.clientX, held.y - event.clientY); });
addEventListener('pointerup', () => { held = null; view.classList.remove('dragging'); });
document.getElementById('closer').addEventListener('click', () => zoom(1.5, view.clientWidth / 2));
document.getElementById('farther').addEventListener('click', () => zoom(1 / 1.5, view.clientWidth / 2));
document.getElementById('fit').addEventListener('click', fit);
// Below many cards the timeline is out of sight.
function choose(card) {
  show(card.dataset.anomaly, true);
  view.scrollIntoView({ block: 'nearest' });
}
for (const card of cards) {
  card.addEventListener('click', () => choose(card));
  card.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose(card);
  });
}
// Wherever the focus is, on a card as well; arrows scroll by themselves what has it.
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '+' || event.key === '=') zoom(1.5, view.clientWidth / 2);
  else if (event.key === '-') zoom(1 / 1.5, view.clientWidth / 2);
  else if (event.key === '0') fit();
});
let isSightDue = false;
view.addEventListener('scroll', () => {
  if (isSightDue) return;
  isSightDue = true;
  requestAnimationFrame(() => { isSightDue = false; keepInSight(); });
});
if (columns * scale < view.clientWidth) fit();
show(0, true);
keepInSight();
}
`;
