// When nodes were there: a bar for each, from ENTER to EXIT, which has its reason as a colour and a letter.

import { ask, go, source } from './source.js';
import { sign } from './network.js';

const rows = document.getElementById('rows');
const canvas = document.getElementById('bars');
const spacer = rows.querySelector('.spacer');
const pen = canvas.getContext('2d');
let colours = {};
let lanes = [];
let found = null;
let asking = false;
let again = false;
let select = () => {};
let rem = 16;
let fetched = 0;
let dirty = true;

/// Letter, colour, and what it means.
export const REASONS = {
  goodbye: ['G', 'calm'], 'link lost': ['L', 'silent'], expired: ['E', 'shout'], restarted: ['R', 'file'],
  distrusted: ['D', 'whisper'], replaced: ['P', 'whisper'], 'sequence gap': ['S', 'silent'], 'status mismatch': ['M', 'silent'],
  overflow: ['O', 'fore'], rejected: ['J', 'fore'], stopped: ['G', 'calm'], 'not watched': ['?', 'calm'],
};
const reason = (text) => REASONS[text] ?? ['?', 'calm'];

/// The time that time and rates show. `length` in microseconds; null is all. `to` is null while it goes along.
export const range = { length: null, to: null };

const RANGES = [['1 min', 60e6], ['5 min', 300e6], ['1 h', 3600e6], ['1 d', 86400e6], ['All', null]];

/// The ends of what is shown.
export function span() {
  const [first, last] = source.live.about.span ?? [0, 1];
  const now = Math.max(source.live.about.now ?? last, last);
  const to = range.to ?? now;
  const length = range.length ?? Math.max(now - first, 5e6) * 1.02;
  return { from: Math.max(to - length, range.length ? -Infinity : first), to, first, now };
}

/// Buttons for the range, as in all views that show time.
export function rangeButtons(place, onChange) {
  const add = (text, title, act) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.title = title;
    button.addEventListener('click', () => { act(); onChange(); });
    place.append(button);
    return button;
  };
  const all = RANGES.map(([text, length]) => [add(text, `Show ${text}`, () => { range.length = length; range.to = null; }), length]);
  add('+', 'Zoom in (+)', () => zoomTime(1 / 1.6));
  add('−', 'Zoom out (-)', () => zoomTime(1.6));
  return () => { for (const [button, length] of all) button.setAttribute('aria-pressed', String(range.length === length && range.to === null)); };
}

/// Zooms around a share of the width.
export function zoomTime(factor, share = 1) {
  const { from, to, first, now } = span();
  const length = Math.min(Math.max((to - from) * factor, 1e6), Math.max((now - first) * 1.1, 5e6));
  const at = from + (to - from) * share;
  const end = at + length * (1 - share);
  range.length = length;
  range.to = end >= now ? null : end;
}

export function moveTime(by) {
  const { from, to, first, now } = span();
  range.length = to - from;
  const end = Math.max(to + by, Math.min(first + range.length, now));
  range.to = end >= now ? null : end;
}

export function init(onSelect) {
  select = onSelect;
  new ResizeObserver(() => { dirty = true; }).observe(rows);
  rows.addEventListener('scroll', () => { dirty = true; });
  listen();
  requestAnimationFrame(frame);
}

export function setColours(read) { colours = read; rem = parseFloat(getComputedStyle(document.documentElement).fontSize); dirty = true; }
export function changed() { dirty = true; }

/// Asks who was there in the time that is shown.
export async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    do {
      again = false;
      const { from, to } = span();
      found = await ask('/api/sessions.json', { from: Math.floor(from), to: Math.ceil(to) });
      fetched = performance.now();
      arrange();
      dirty = true;
    } while (again);
  } catch { /* The page says already that the server is gone. */ } finally { asking = false; }
}

/// A lane for each name; two of one name at a time have two.
function arrange() {
  const names = new Map();
  for (const session of [...found.sessions].sort((a, b) => a.from - b.from)) {
    const own = names.get(session.name) ?? [];
    const free = own.find((lane) => (lane.at(-1).to ?? Infinity) <= session.from);
    if (free) free.push(session); else own.push([session]);
    names.set(session.name, own);
  }
  lanes = [...names].sort(([a], [b]) => a.localeCompare(b, undefined, { numeric: true })).flatMap(([, own]) => own);
  const height = `${2 * rem + lanes.length * lane()}px`;
  if (spacer.style.height !== height) spacer.style.height = height;
  const seen = [...new Set(found.sessions.map((session) => session.reason).filter(Boolean))].sort();
  const place = document.querySelector('.reasons');
  if (place.dataset.seen !== seen.join()) {
    place.dataset.seen = seen.join();
    place.replaceChildren(...seen.map((text) => {
      const item = document.createElement('span');
      const mark = document.createElement('b');
      [mark.textContent] = reason(text);
      mark.style.setProperty('--mark', `var(--${reason(text)[1]})`);
      item.append(mark, text);
      return item;
    }));
  }
}

const lane = () => 1.35 * rem;
const gutter = () => Math.min(11 * rem, rows.clientWidth * 0.3);

function frame() {
  requestAnimationFrame(frame);
  if (rows.offsetParent === null) return;
  if (range.to === null && source.moment === null && performance.now() - fetched > 2000) refresh();
  if (!dirty) return;
  dirty = false;
  draw();
}

function draw() {
  const [width, height] = [rows.clientWidth, rows.clientHeight];
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const { from, to } = span();
  const left = gutter();
  const right = width - 8;
  const x = (at) => left + ((at - from) / (to - from)) * (right - left);
  const step = lane();
  const top = 2 * rem;
  const offset = rows.scrollTop;
  axis(x, from, to, left, right, height);
  pen.save();
  pen.beginPath(); pen.rect(0, top, width, height); pen.clip();
  const first = Math.max(0, Math.floor(offset / step));
  for (let i = first; i < lanes.length && top + i * step - offset < height; i += 1) drawLane(lanes[i], top + i * step - offset, { x, left, right, step, to });
  warnings(x, left, right, step, top - offset);
  pen.restore();
  const at = source.moment;
  if (at !== null && x(at) >= left && x(at) <= right) {
    pen.strokeStyle = colours.fore; pen.lineWidth = 2;
    pen.beginPath(); pen.moveTo(x(at), 0); pen.lineTo(x(at), height); pen.stroke();
  }
}

function drawLane(sessions, y, { x, left, right, step, to }) {
  const name = sessions[0].name;
  pen.font = `${0.8 * rem}px system-ui, sans-serif`;
  pen.textBaseline = 'middle'; pen.textAlign = 'left';
  pen.fillStyle = colours.fore;
  const room = left - 14;
  let text = name;
  if (pen.measureText(text).width > room) {
    while (text.length > 1 && pen.measureText(`${text}…`).width > room) text = text.slice(0, -1);
    text += '…';
  }
  pen.fillText(text, 6, y + step / 2);
  pen.fillStyle = colours.thread;
  pen.fillRect(0, y + step - 0.5, right, 0.5);
  const h = step * 0.56;
  const t = y + (step - h) / 2;
  for (const session of sessions) {
    const a = Math.max(x(session.from), left);
    const b = Math.min(x(session.to ?? to), right);
    if (b < left || a > right) continue;
    pen.fillStyle = colours.present;
    pen.fillRect(a, t, Math.max(b - a, 1.5), h);
    quiet(session, x, left, right, t, h, to);
    if (session.to === null || x(session.to) > right) continue;
    const [letter, colour] = reason(session.reason);
    const cap = Math.min(h * 1.15, Math.max(b - a, 3));
    pen.fillStyle = colours[colour];
    pen.fillRect(b - cap, t - 1, cap, h + 2);
    if (cap >= h) {
      pen.fillStyle = colours.back; pen.textAlign = 'center';
      pen.font = `700 ${h * 0.95}px system-ui, sans-serif`;
      pen.fillText(letter, b - cap / 2, t + h / 2 + 1);
    }
  }
}

/// The times in which nothing was heard of it.
function quiet(session, x, left, right, t, h, to) {
  session.marks.forEach(([at, state], i) => {
    if (state === 'present') return;
    const end = session.marks[i + 1]?.[0] ?? session.to ?? to;
    const [a, b] = [Math.max(x(at), left), Math.min(x(end), right)];
    if (b <= a) return;
    pen.fillStyle = colours.back;
    pen.fillRect(a, t, b - a, h);
    pen.strokeStyle = colours[state]; pen.lineWidth = 1.5;
    pen.strokeRect(a + 0.75, t + 0.75, Math.max(b - a - 1.5, 1), h - 1.5);
    if (b - a > h) sign(pen, state, a + h / 2, t + h / 2, h * 0.3, colours);
  });
}

/// A tick where a node has warned.
function warnings(x, left, right, step, top) {
  const of = new Map();
  lanes.forEach((sessions, i) => sessions.forEach((session) => of.set(session.id, i)));
  for (const warning of source.live.warnings.values()) {
    const i = of.get(warning.by.id);
    const at = x(warning.at);
    if (i === undefined || at < left || at > right) continue;
    const y = top + i * step;
    pen.fillStyle = warning.level === 'error' ? colours.silent : colours.evasive;
    pen.strokeStyle = colours.back; pen.lineWidth = 1;
    const half = step * 0.21;
    pen.beginPath(); pen.moveTo(at, y + 2); pen.lineTo(at + half, y + 2 + half * 1.6); pen.lineTo(at - half, y + 2 + half * 1.6); pen.closePath();
    pen.fill(); pen.stroke();
  }
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];

/// Draws the axis of time, with lines through what is below. Used by all charts over time.
export function axis(x, from, to, left, right, height, to_ = pen, text = rem * 0.75) {
  const most = Math.max(2, (right - left) / (text * 7.5));
  const step = (STEPS.find((step) => (to - from) / 1e6 / step <= most) ?? 604800) * 1e6;
  to_.font = `${text}px system-ui, sans-serif`;
  to_.textAlign = 'center'; to_.textBaseline = 'top';
  to_.lineWidth = 1;
  const zone = new Date(from / 1000).getTimezoneOffset() * 60e6;
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) {
    to_.strokeStyle = colours.thread;
    to_.beginPath(); to_.moveTo(x(at), text * 1.6); to_.lineTo(x(at), height); to_.stroke();
    const label = clock(at, step >= 86400e6, step < 60e6);
    const half = to_.measureText(label).width / 2;
    if (x(at) - half < left - 4 || x(at) + half > right + 8) continue;
    to_.fillStyle = colours.calm;
    to_.fillText(label, x(at), 3);
  }
}

/// The local time of a moment.
export function clock(at, day = false, seconds = true) {
  const date = new Date(at / 1000);
  if (day) return date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
  return date.toLocaleTimeString([], { hour12: false, hour: '2-digit', minute: '2-digit', ...(seconds && { second: '2-digit' }) });
}

function listen() {
  let from = null;
  let moved = 0;
  const share = (event) => {
    const box = canvas.getBoundingClientRect();
    return (event.clientX - box.left - gutter()) / (rows.clientWidth - 8 - gutter());
  };
  canvas.addEventListener('pointerdown', (event) => { from = event; moved = 0; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointermove', (event) => {
    if (!from) return;
    const by = share(from) - share(event);
    moved += Math.abs(event.clientX - from.clientX) + Math.abs(event.clientY - from.clientY);
    const time = span();
    if (moved > 4) { moveTime(by * (time.to - time.from)); rows.scrollTop -= event.clientY - from.clientY; dirty = true; }
    from = event;
  });
  canvas.addEventListener('pointerup', (event) => {
    if (!from) return;
    from = null;
    if (moved > 4) { refresh(); return; }
    const at = share(event);
    const time = span();
    if (at >= 0) { go(Math.min(time.from + at * (time.to - time.from), time.now)); return; }
    const box = canvas.getBoundingClientRect();
    const i = Math.floor((event.clientY - box.top - 2 * rem + rows.scrollTop) / lane());
    if (lanes[i]) select(lanes[i].at(-1).id);
  });
  canvas.addEventListener('pointercancel', () => { from = null; });
  canvas.addEventListener('wheel', (event) => {
    // Along the rows it scrolls as anything does.
    if (!event.ctrlKey && Math.abs(event.deltaX) < Math.abs(event.deltaY) && !event.shiftKey) return;
    event.preventDefault();
    if (event.ctrlKey) zoomTime(Math.exp(event.deltaY * 0.002), Math.max(0, share(event)));
    else { const time = span(); moveTime(((event.deltaX || event.deltaY) / rows.clientWidth) * (time.to - time.from)); }
    dirty = true;
    refresh();
  }, { passive: false });
}
