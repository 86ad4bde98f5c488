// How much is said: lines over time, with axes.

import { ask, source } from './source.js';
import { axis, clock, span } from './time.js';

const view = document.querySelector('section[data-view="rates"]');
const charts = [...view.querySelectorAll('canvas')];
let colours = {};
let data = null;
let asking = false;
let dirty = true;
let fetched = 0;
let cursor = null;
let rem = 16;

/// Told apart without colours by their dashes, and named at the cursor and below.
const PALETTE = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const style = (i) => ({ colour: PALETTE[i % PALETTE.length], dash: DASHES[(i + Math.floor(i / PALETTE.length)) % DASHES.length] });

export function setColours(read) { colours = read; rem = parseFloat(getComputedStyle(document.documentElement).fontSize); dirty = true; }
export function changed() { dirty = true; }

export function init() {
  new ResizeObserver(() => { dirty = true; }).observe(view);
  for (const canvas of charts) {
    canvas.addEventListener('pointermove', (event) => { cursor = { canvas, x: event.offsetX }; dirty = true; });
    canvas.addEventListener('pointerleave', () => { cursor = null; dirty = true; });
  }
  requestAnimationFrame(frame);
}

/// Asks for the time that is shown.
export async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const { from, to } = span();
    data = await ask('/api/rates.json', { from: Math.floor(from), to: Math.ceil(to) });
    fetched = performance.now();
    dirty = true;
  } catch { /* The page says already that the server is gone. */ } finally { asking = false; }
}

function frame() {
  requestAnimationFrame(frame);
  if (view.hidden) return;
  if (performance.now() - fetched > 1000 && source.moment === null) refresh();
  if (!dirty || !data) return;
  dirty = false;
  for (const canvas of charts) chart(canvas, series(canvas.dataset.chart));
}

function series(kind) {
  if (kind === 'events') return Object.entries(data.events).filter(([, counts]) => counts.some(Boolean)).map(([name, counts]) => ({ name: name === 'NONE' ? 'text' : name, counts }));
  // What the collector notes itself is not what its node says.
  return data[kind].filter(([name]) => name.id === undefined || name.id !== source.live.collector).map(([name, counts]) => ({ name: name.name ?? name, counts }));
}

/// A number above all, that people find round.
function ceiling(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1e-9)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((n) => n >= most * 0.999) ?? 10 * power;
}

const number = (value) => value.toLocaleString(undefined, { maximumFractionDigits: value < 100 ? 1 : 0 });

function chart(canvas, all) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { from, to, now } = span();
  const text = rem * 0.75;
  const [left, right, top, bottom] = [text * 4.2, width - 10, text * 1.8, height - 6];
  const x = (at) => left + ((at - from) / (to - from)) * (right - left);
  const rates = all.map(({ name, counts }) => ({ name, rates: counts.map((count) => count / data.width) }));
  // With nothing to show the axis still says what it measures.
  const most = ceiling(Math.max(0, ...rates.flatMap((one) => one.rates)) || 1);
  const y = (rate) => bottom - (rate / most) * (bottom - top);
  axis(x, from, to, left, right, bottom, pen, text);
  pen.textAlign = 'right'; pen.textBaseline = 'middle';
  for (let i = 0; i <= 4; i += 1) {
    const rate = (most * i) / 4;
    pen.strokeStyle = colours.thread; pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(left, y(rate)); pen.lineTo(right, y(rate)); pen.stroke();
    pen.fillStyle = colours.calm;
    pen.fillText(number(rate), left - 6, Math.min(y(rate), bottom - text * 0.4));
  }
  pen.save();
  pen.beginPath(); pen.rect(left, 0, right - left, height); pen.clip();
  rates.forEach((one, i) => {
    const { colour, dash } = style(i);
    pen.strokeStyle = colour; pen.lineWidth = 2; pen.setLineDash(dash); pen.lineJoin = 'round';
    pen.beginPath();
    one.rates.forEach((rate, j) => {
      // The part that is not over yet would look as if less were said.
      const at = data.from + (j + 0.5) * data.width * 1e6;
      if (at + data.width * 0.5e6 <= now) pen.lineTo(x(at), y(rate));
    });
    pen.stroke();
  });
  pen.setLineDash([]);
  pen.restore();
  let part = null;
  if (cursor?.canvas === canvas && cursor.x >= left) {
    const at = from + ((cursor.x - left) / (right - left)) * (to - from);
    part = Math.floor((at - data.from) / (data.width * 1e6));
    pen.strokeStyle = colours.fore; pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(cursor.x, top); pen.lineTo(cursor.x, bottom); pen.stroke();
    pen.textAlign = cursor.x > width / 2 ? 'right' : 'left'; pen.fillStyle = colours.fore;
    pen.fillText(clock(at), cursor.x + (cursor.x > width / 2 ? -5 : 5), top + text);
  }
  legend(canvas, rates, part);
}

function legend(canvas, rates, part) {
  const list = canvas.parentElement.querySelector('ul');
  const rows = [...list.children];
  rates.forEach(({ name, rates: values }, i) => {
    let row = rows[i];
    if (!row) {
      row = document.createElement('li');
      const mark = document.createElement('canvas');
      mark.width = 56; mark.height = 16;
      row.append(mark, document.createElement('span'), document.createElement('b'));
      list.append(row);
    }
    if (row.dataset.name !== `${i} ${name}`) {
      row.dataset.name = `${i} ${name}`;
      row.children[1].textContent = name;
      const pen = row.children[0].getContext('2d');
      const { colour, dash } = style(i);
      pen.clearRect(0, 0, 56, 16);
      pen.strokeStyle = colour; pen.lineWidth = 4; pen.setLineDash(dash.map((n) => n * 1.6));
      pen.beginPath(); pen.moveTo(2, 8); pen.lineTo(54, 8); pen.stroke();
    }
    const value = part === null ? Math.max(0, ...values) : values[part] ?? 0;
    const shown = `${part === null ? 'max ' : ''}${number(value)}/s`;
    if (row.children[2].textContent !== shown) row.children[2].textContent = shown;
  });
  rows.slice(rates.length).forEach((row) => row.remove());
  canvas.parentElement.classList.toggle('nothing', rates.length === 0);
}
