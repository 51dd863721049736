import { geometry } from './timeline-svg.ts';

/** Zoom by wheel or button, pan by dragging, one anomaly at a time. Only numbers are put into it: no text of the history runs. */
export const pageScript: string = `
// In a block of its own: a page has globals such as top, which no script may declare again.
{
const { left, top, laneHeight, barHeight, columnWidth } = ${JSON.stringify(geometry)};
const view = document.getElementById('view');
const svg = document.getElementById('timeline');
const columns = Number(svg.dataset.columns);
const bars = [...svg.querySelectorAll('.bar')];
let scale = columnWidth;
const place = (bar) => ({ from: Number(bar.dataset.from), to: Number(bar.dataset.to), y: Number(bar.getAttribute('y')) + barHeight / 2 });
function layOut() {
  const width = left + columns * scale + 20;
  svg.setAttribute('width', width);
  for (const lane of svg.querySelectorAll('.lane')) lane.setAttribute('width', width);
  for (const bar of bars) {
    const { from, to } = place(bar);
    bar.setAttribute('x', left + from * scale);
    bar.setAttribute('width', Math.max(4, (to - from) * scale));
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
function zoom(factor, atX) {
  const before = (view.scrollLeft + atX - left) / scale;
  scale = Math.min(400, Math.max(0.5, scale * factor));
  layOut();
  view.scrollLeft = before * scale + left - atX;
}
function fit() {
  scale = Math.min(400, Math.max(0.5, (view.clientWidth - left - 30) / columns));
  layOut();
}
function show(index, scrolls) {
  for (const part of document.querySelectorAll('.story, .anomaly')) part.classList.toggle('shown', part.dataset.anomaly === String(index));
  for (const bar of bars) bar.classList.toggle('hit', bar.dataset.anomalies.includes(' ' + index + ' '));
  const first = bars.find((bar) => bar.classList.contains('hit'));
  if (first === undefined || !scrolls) return;
  view.scrollTo({ left: Number(first.getAttribute('x')) - 200, top: Number(first.getAttribute('y')) - 120 });
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
for (const card of document.querySelectorAll('.anomaly')) card.addEventListener('click', () => show(card.dataset.anomaly, true));
if (columns * scale < view.clientWidth) fit();
show(0, true);
}
`;
