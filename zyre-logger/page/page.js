// The page: views, keys, and the moment that is shown.

import { ask, connect, follow, go, source } from './source.js';
import * as network from './network.js';
import * as time from './time.js';
import * as rates from './rates.js';
import * as lists from './lists.js';

const at = (id) => document.getElementById(id);
const { make } = lists;
const views = [...document.querySelectorAll('section.view')];
const tabs = [...document.querySelectorAll('nav button')];
let view = 'network';
let selected = null;
let warningsSeen = 0;
const markRanges = [];

function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ['fore', 'back', 'calm', 'thread', 'present', 'evasive', 'silent', 'unseen', 'gone', 'group', 'shout', 'whisper', 'file', 'leader', 'secure'];
  const read = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  for (const part of [network, time, rates, lists]) part.setColours(read);
}

const THEMES = ['auto', 'light', 'dark'];
function theme(next) {
  let now = 'auto';
  try { if (next) localStorage.setItem('theme', next); now = localStorage.getItem('theme') ?? 'auto'; } catch { now = next ?? 'auto'; }
  if (!THEMES.includes(now)) now = 'auto';
  document.documentElement.dataset.theme = now;
  at('theme').textContent = { auto: 'Auto', light: 'Light', dark: 'Dark' }[now];
  colours();
}
const nextTheme = () => theme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3]);

function show(name) {
  view = name;
  for (const one of views) one.hidden = one.dataset.view !== name;
  for (const tab of tabs) tab.setAttribute('aria-pressed', String(tab.dataset.view === name));
  if (location.hash !== `#${name}`) history.replaceState(null, '', `#${name}`);
  if (name === 'time') time.refresh();
  if (name === 'rates') rates.refresh();
  refresh('view');
}

function choose(id) {
  selected = id;
  network.setSelected(id);
  if (id && view !== 'network') show('network');
  lists.refreshSide(selected);
}

function seek(text) {
  const sought = text.trim().toLowerCase();
  network.setSought(sought);
  lists.setSought(sought);
  refresh('search');
}

const number = (value) => Number(value ?? 0).toLocaleString();

function sums() {
  const { figures, about } = source.shown;
  const exits = Object.values(figures.exits).reduce((sum, count) => sum + count, 0);
  const all = [
    ['there', number(figures.present), 'present'], ['lines/s', number(Math.round(figures.rate ?? 0)), 'rate'], ['lines', number(figures.lines), 'lines'],
    ['enters', number(figures.enters), 'enters'], ['exits', number(exits), 'exits'],
    ['warnings', number((figures.warnings ?? 0) + (figures.errors ?? 0)), 'warned'], ...(figures.lost ? [['lines lost', number(figures.lost), 'lost']] : []),
    ...(source.lost ? [['updates missed here', number(source.lost), 'missed']] : []),
  ];
  const list = at('sums');
  if (list.children.length !== all.length) list.replaceChildren(...all.map(() => make('div', {}, make('dd'), make('dt'))));
  all.forEach(([name, value, key], i) => {
    const [dd, dt] = list.children[i].children;
    if (dd.textContent !== value) dd.textContent = value;
    if (dt.textContent !== name) dt.textContent = name;
    dd.id = `sum-${key}`;
  });
  const place = [about.mode, about.place].filter(Boolean).join(' · ');
  if (at('place').textContent !== place) at('place').textContent = place;
}

function status() {
  const { about } = source.live;
  const text = source.state === 'gone' ? 'Server gone; trying again' : source.state === 'connecting' ? 'Connecting'
    : source.moment !== null ? 'Looking back' : about.reading != null ? `Reading the recording: ${Math.round(about.reading * 100)} %` : about.mode === 'recording' ? 'Recording' : 'Live';
  const element = at('status');
  if (element.textContent !== text) element.textContent = text;
  element.dataset.state = source.state === 'live' && source.moment !== null ? 'past' : source.state;
  const last = about.notices?.at(-1);
  const notice = at('notice');
  const words = last ? `${time.clock(last[0])}  ${last[1]}` : '';
  if (notice.textContent !== words) { notice.textContent = words; notice.hidden = !words; }
  const badge = at('badge');
  const newest = Math.max(0, ...source.live.warnings.keys());
  if (view === 'warnings') warningsSeen = newest;
  const fresh = newest - warningsSeen;
  const count = fresh > 0 ? (fresh > 99 ? '99+' : String(fresh)) : '';
  if (badge.textContent !== count) badge.textContent = count;
}

function moment() {
  const { first, now } = time.span();
  const slider = at('moment');
  const past = source.moment !== null;
  if (document.activeElement !== slider || !past) {
    const value = past ? Math.round((1000 * (source.moment - first)) / Math.max(now - first, 1)) : 1000;
    if (Number(slider.value) !== value) slider.value = value;
  }
  const shown = source.moment ?? source.shown.about.now ?? source.shown.at;
  const [day, hour] = shown ? [`${new Date(shown / 1000).toLocaleDateString()} `, time.clock(shown)] : ['', ''];
  const text = day + hour;
  // Where there is little room the day is left out.
  if (at('clock').textContent !== text) at('clock').replaceChildren(make('span', {}, day), hour);
  slider.setAttribute('aria-valuetext', text);
  at('pause').textContent = past ? 'Paused' : 'Pause';
  at('pause').setAttribute('aria-pressed', String(past));
  at('live').disabled = !past;
  document.body.classList.toggle('past', past);
}

/// Brings what is on the screen up to date.
function refresh(what) {
  if (what === 'failed') return;
  sums();
  status();
  moment();
  if (view === 'network') { network.changed(); if (what !== 'delta' || performance.now() - sideDrawn > 450) { sideDrawn = performance.now(); lists.refreshSide(selected); } }
  if (view === 'warnings') lists.refreshWarnings();
  if (view === 'time') time.changed();
  if (view === 'rates') rates.changed();
  for (const mark of markRanges) mark();
}
let sideDrawn = 0;

function back(by) {
  const { first, now } = time.span();
  const from = source.moment ?? now;
  const to = from + by;
  if (to >= now) go(null); else go(Math.max(first, to));
}

const toggle = () => go(source.moment === null ? source.live.about.now ?? source.live.at : null);

const KEYS = [
  ['1 – 4', 'Network, time, warnings, rates'], ['/', 'Find a node or a group'], ['Esc', 'Back to all'],
  ['Space', 'Pause, or go on'], ['l', 'Go on with what comes'], ['← →', 'Ten seconds back, or on; with Shift a minute'], ['Home', 'The beginning'],
  ['n  N', 'The next node, the one before'], ['+ −', 'Zoom'], ['0', 'All in sight'], ['t', 'Light, dark, or as the system'], ['?', 'These keys'],
];

function step(by) {
  const all = network.shownNodes().sort(lists.byName);
  if (!all.length) return;
  const i = all.findIndex((node) => node.id === selected);
  choose(all[(i + by + all.length + (i < 0 && by < 0 ? 1 : 0)) % all.length].id);
}

function zoom(factor) {
  if (view === 'network') network.zoom(factor);
  if (view === 'time' || view === 'rates') { time.zoomTime(1 / factor); (view === 'time' ? time : rates).refresh(); refresh('zoom'); }
}

function help() {
  const dialog = at('help');
  if (dialog.open) { dialog.close(); return; }
  const close = make('button', { type: 'button' }, 'Close');
  close.addEventListener('click', () => dialog.close());
  dialog.replaceChildren(make('h2', {}, 'Keys'), make('dl', {}, ...KEYS.flatMap(([key, text]) => [make('dt', {}, key), make('dd', {}, text)])), close);
  dialog.showModal();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches('input[type="search"]');
  if (event.key === 'Escape') {
    if (typing) { event.target.value = ''; event.target.blur(); }
    at('search').value = '';
    seek('');
    choose(null);
    return;
  }
  if (typing || at('help').open && event.key !== '?') return;
  const long = event.shiftKey ? 60e6 : 10e6;
  const acts = {
    '/': () => at('search').focus(), ' ': () => { if (!event.target.matches('button, summary')) toggle(); else return true; }, p: toggle, l: () => go(null),
    ArrowLeft: () => { if (event.target.id === 'moment') return true; back(-long); }, ArrowRight: () => { if (event.target.id === 'moment') return true; back(long); },
    Home: () => { if (event.target.id === 'moment') return true; go(time.span().first); }, n: () => step(1), N: () => step(-1),
    '+': () => zoom(1.4), '=': () => zoom(1.4), '-': () => zoom(1 / 1.4), 0: () => { network.fit(); time.range.length = null; time.range.to = null; refresh('fit'); },
    t: nextTheme, '?': help,
  };
  const act = acts[event.key] ?? (/^[1-4]$/.test(event.key) ? () => show(['network', 'time', 'warnings', 'rates'][event.key - 1]) : null);
  if (act && act() !== true) event.preventDefault();
}

function legend() {
  const words = { present: 'present', evasive: 'evasive: quiet, and asked', silent: 'silent: does not answer', unseen: 'writes lines, but was not met', gone: 'has gone', watches: 'the node that watches', secure: 'secure: a ring around it', leader: 'leads a group', group: 'a group', shout: 'messages to a group; wider is more', whisper: 'messages to one node', file: 'a file on its way' };
  at('legend').replaceChildren(...Object.entries(words).map(([state, text]) => make('li', {}, lists.signCanvas(state), text)));
}

function begin() {
  network.init(choose);
  time.init(choose);
  rates.init();
  lists.init(choose, (name) => { at('search').value = name; seek(name); });
  theme();
  legend();
  for (const place of document.querySelectorAll('.ranges')) markRanges.push(time.rangeButtons(place, () => { if (view === 'time') time.refresh(); else rates.refresh(); refresh('range'); }));
  for (const tab of tabs) tab.addEventListener('click', () => show(tab.dataset.view));
  at('theme').addEventListener('click', nextTheme);
  at('keys').addEventListener('click', help);
  at('search').addEventListener('input', (event) => { if (selected) choose(null); seek(event.target.value); });
  at('pause').addEventListener('click', toggle);
  at('live').addEventListener('click', () => go(null));
  at('moment').addEventListener('input', (event) => {
    const { first, now } = time.span();
    if (Number(event.target.value) === 1000) go(null); else go(first + ((now - first) * event.target.value) / 1000);
  });
  document.addEventListener('keydown', press);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', colours);
  addEventListener('resize', colours);
  addEventListener('hashchange', () => { const name = location.hash.slice(1); if (views.some((one) => one.dataset.view === name) && name !== view) show(name); });
  document.querySelector('.legend').open = innerWidth > 1500;
  follow(refresh);
  show(views.some((one) => one.dataset.view === location.hash.slice(1)) ? location.hash.slice(1) : 'network');
  connect();
}

begin();

// For tests, which ask what is shown.
globalThis.zyre = { source, ask };
