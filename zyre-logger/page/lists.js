// Lists: nodes, groups, files, warnings, and the page of a node. Text is only ever set as text.

import { ask, source } from './source.js';
import { matches, sign, star } from './network.js';
import { clock } from './time.js';

const overview = document.getElementById('overview');
const detail = document.getElementById('detail');
const [files, groups, nodes] = ['files', 'groups', 'nodes'].map((id) => document.querySelector(`#${id} ul`));
const warnings = document.querySelector('#warnings tbody');
const MOST = 400;
const ORDER = ['silent', 'evasive', 'present', 'unseen', 'gone'];
let colours = {};
let sought = '';
let choose = () => {};
let find = () => {};
let shown = null;
let page = null;
let pageAsked = 0;

export function init(onChoose, onFind) { choose = onChoose; find = onFind; }
export function setColours(read) { colours = read; for (const canvas of document.querySelectorAll('canvas.sign')) paint(canvas); }
export function setSought(text) { sought = text; }

/// Makes an element; strings become text.
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Made once: making them takes longer than using them.
const whole = new Intl.NumberFormat();
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const names = new Intl.Collator(undefined, { numeric: true });
const number = (value) => whole.format(value);
const rate = (value) => `${tenths.format(value)}/s`;
export const byName = (a, b) => names.compare(a.name, b.name);
export function bytes(value) {
  const unit = value < 1 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10));
  return `${(value / 1024 ** unit).toLocaleString(undefined, { maximumFractionDigits: unit ? 1 : 0 })} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}
export function length(microseconds) {
  const s = Math.max(0, Math.round(microseconds / 1e6));
  if (s < 100) return `${s} s`;
  if (s < 6000) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

/// The sign of a state, as in the graph.
export function signCanvas(state) {
  const canvas = make('canvas', { className: 'sign', width: 28, height: 28 });
  canvas.dataset.state = state;
  paint(canvas);
  return canvas;
}
function paint(canvas) {
  if (!colours.back) return;
  const pen = canvas.getContext('2d');
  pen.clearRect(0, 0, 28, 28);
  const { state } = canvas.dataset;
  if (state === 'leader') star(14, 14, 11, pen, colours.leader, colours.back);
  else if (state === 'group') { pen.fillStyle = colours.group; pen.beginPath(); pen.roundRect(4, 4, 20, 20, 5); pen.fill(); }
  else if (state === 'watches') { pen.fillStyle = colours.fore; pen.beginPath(); pen.moveTo(14, 3); pen.lineTo(25, 14); pen.lineTo(14, 25); pen.lineTo(3, 14); pen.fill(); }
  else if (state === 'secure') { sign(pen, 'present', 14, 14, 7, colours); pen.strokeStyle = colours.secure; pen.lineWidth = 2; pen.beginPath(); pen.arc(14, 14, 11.5, 0, 7); pen.stroke(); }
  else if (['shout', 'whisper', 'file'].includes(state)) { pen.strokeStyle = colours[state]; pen.lineWidth = 4; if (state === 'file') pen.setLineDash([7, 4]); pen.beginPath(); pen.moveTo(2, 14); pen.lineTo(26, 14); pen.stroke(); }
  else sign(pen, state, 14, 14, 9, colours);
}

const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

/// Brings rows up to date: each is made once for its key.
function rows(list, items, key, create, refresh) {
  const old = new Map([...list.children].map((row) => [row.dataset.key, row]));
  let before = null;
  for (const item of items) {
    const name = key(item);
    let row = old.get(name);
    if (row) old.delete(name); else { row = create(item); row.dataset.key = name; }
    refresh(row, item);
    const next = before ? before.nextSibling : list.firstChild;
    if (row !== next) list.insertBefore(row, next);
    before = row;
  }
  for (const row of old.values()) row.remove();
}

/// Shows what is known now in the lists beside the graph.
export function refreshSide(selected) {
  const picture = source.shown;
  if (selected) { refreshPage(selected); return; }
  detail.hidden = true;
  overview.hidden = false;
  shown = null;
  refreshFiles(picture);
  refreshGroups(picture);
  const of = picture.figures.nodes;
  const found = [...picture.nodes.values()].filter((node) => !sought || matches(node));
  found.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || byName(a, b) || (a.id < b.id ? -1 : 1));
  const leading = new Map();
  for (const { leader, name } of picture.figures.groups) if (leader) leading.set(leader.id, [...(leading.get(leader.id) ?? []), name]);
  const more = found.length - MOST;
  set(document.querySelector('#nodes h2'), `Nodes: ${number(picture.figures.present ?? 0)} there${sought ? `, ${number(found.length)} found` : ''}${more > 0 ? ` (the first ${MOST} below)` : ''}`);
  rows(nodes, found.slice(0, MOST), (node) => node.id, () => {
    const button = make('button', { type: 'button' }, signCanvas('gone'), make('span', { className: 'name' }), make('small'), make('b'));
    button.addEventListener('click', () => choose(button.parentElement.dataset.key));
    return make('li', {}, button);
  }, (row, node) => {
    const [icon, name, about, figure] = row.firstChild.children;
    const state = node.id === picture.collector ? 'watches' : node.state;
    if (icon.dataset.state !== state) { icon.dataset.state = state; paint(icon); }
    set(name, node.name);
    const leads = leading.get(node.id) ?? [];
    const [speed, , warned] = of[node.id] ?? [0, 0, 0];
    const parts = [state === 'watches' ? 'watches' : node.state === 'gone' ? `gone: ${node.reason || 'unknown'}` : node.state === 'present' ? '' : node.state,
      leads.length ? `leads ${leads.join(', ')}` : '', node.key ? 'secure' : '', warned ? `${number(warned)} ${warned === 1 ? 'warning' : 'warnings'}` : ''];
    set(about, parts.filter(Boolean).join(' · '));
    set(figure, speed ? rate(speed) : '');
  });
}

function refreshGroups(picture) {
  const all = picture.figures.groups.filter((group) => !sought || group.name.toLowerCase().includes(sought));
  set(document.querySelector('#groups h2'), `Groups: ${number(picture.figures.groups.length)}`);
  rows(groups, all, (group) => group.name, (group) => {
    const button = make('button', { type: 'button', title: 'Find its members' }, signCanvas('group'), make('span', { className: 'name' }), make('small'), make('b'));
    button.addEventListener('click', () => find(group.name));
    return make('li', {}, button);
  }, (row, group) => {
    const [, name, about, figure] = row.firstChild.children;
    set(name, group.name);
    set(about, `${number(group.members)} ${group.members === 1 ? 'member' : 'members'}${group.leader ? ` · led by ${group.leader.name}` : ''}`);
    set(figure, group.rate ? rate(group.rate) : '');
  });
}

function refreshFiles(picture) {
  document.getElementById('files').hidden = picture.transfers.length === 0;
  rows(files, picture.transfers.slice(0, 20), (file) => `${file.from.id} ${file.to.id} ${file.name}`,
    () => make('li', { className: 'file' }, make('span', { className: 'name' }), make('small'), make('progress', { max: 1 })),
    (row, file) => {
      const [name, about, bar] = row.children;
      set(name, file.name);
      const size = file.total ? `${bytes(file.bytes)} of ${bytes(file.total)}` : bytes(file.bytes);
      const state = { going: `${size}`, sent: `${size}, sent`, delivered: `${size}, delivered`, failed: 'not taken' }[file.state];
      set(about, `${file.from.name} → ${file.to.name} · ${state}`);
      bar.value = file.state === 'delivered' ? 1 : file.total ? file.bytes / file.total : 0;
      bar.hidden = file.state === 'failed' || !file.total;
    });
}

/// The page of a node.
async function refreshPage(id) {
  overview.hidden = true;
  detail.hidden = false;
  const now = performance.now();
  if (shown === id && now - pageAsked < 1000) return;
  const isNew = shown !== id;
  shown = id;
  pageAsked = now;
  try {
    const found = await ask('/api/node.json', { id, at: source.moment });
    if (shown !== id) return;
    page = found;
  } catch {
    if (isNew) detail.replaceChildren(back(), make('p', {}, 'This node is not known at that moment.'));
    return;
  }
  drawPage(isNew);
}

const back = () => {
  const button = make('button', { type: 'button', className: 'back' }, '← All nodes');
  button.addEventListener('click', () => choose(null));
  return button;
};

function drawPage(isNew) {
  const picture = source.shown;
  const [speed, lines, warned, sent, heard] = picture.figures.nodes[page.id] ?? [0, 0, 0, 0, 0];
  const leads = picture.figures.groups.filter((group) => group.leader?.id === page.id).map((group) => group.name);
  const since = page.gone ? `${clock(page.entered)} – ${clock(page.gone)}, ${page.reason || 'unknown reason'}` : page.entered ? `since ${clock(page.entered)} (${length(picture.at - page.entered)})` : 'never entered here';
  const facts = [
    ['State', page.state], ['There', since], ['Endpoint', page.endpoint || 'unknown'], ['Id', page.id],
    ['Connections', page.key ? 'secure: CURVE' : 'plain'], ...(page.key ? [['Key', page.key]] : []),
    ['Groups', page.groups.join(', ') || 'none'], ...(leads.length ? [['Leads', leads.join(', ')]] : []),
    ['Log', `${number(lines)} lines, ${rate(speed)}, ${number(warned)} warnings`], ['Messages', `${number(sent)} sent, ${number(heard)} received, as it says`],
    ...Object.entries(page.headers).map(([name, value]) => [name, value]),
  ];
  const list = (title, all) => make('details', { open: all.length < 9 }, make('summary', {}, `${title}: ${all.length}`),
    make('p', { className: 'names' }, ...all.slice(0, 300).map((one) => {
      const button = make('button', { type: 'button' }, one.name);
      button.addEventListener('click', () => choose(one.id));
      return button;
    })));
  const scroll = isNew ? 0 : detail.scrollTop;
  const opened = [...detail.querySelectorAll('details')].map((one) => one.open);
  const state = page.id === picture.collector ? 'watches' : page.state;
  // Who has the keyboard keeps it.
  const focus = document.activeElement?.className === 'back' ? 'back' : null;
  detail.replaceChildren(back(), make('h2', {}, signCanvas(state), make('span', {}, page.name)),
    make('dl', {}, ...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, String(value))])),
    list('Peers that it says it has', page.peers), list('Nodes that say they have it', page.known_to),
    make('h3', {}, 'Last lines'), make('ol', { className: 'lines' }, ...page.last_lines.map((line) => make('li', { className: line.level },
      make('time', {}, clock(line.at)), make('b', {}, line.event === 'NONE' ? line.level : line.event),
      make('span', {}, `${line.by.id === page.id ? '' : `${line.by.name}: `}${line.about ? `${line.about.name} ` : ''}${line.event === 'ENTER' ? '' : line.text}`)))));
  if (!isNew) [...detail.querySelectorAll('details')].forEach((one, i) => { one.open = opened[i] ?? one.open; });
  detail.scrollTop = scroll;
  if (focus) detail.querySelector('.back').focus();
}

/// Shows the warnings, the newest first.
export function refreshWarnings() {
  const all = [...source.shown.warnings.values()].sort((a, b) => b.id - a.id)
    .filter((one) => !sought || `${one.by.name} ${one.about?.name ?? ''} ${one.text}`.toLowerCase().includes(sought));
  document.querySelector('section[data-view="warnings"] .empty').hidden = all.length > 0;
  document.querySelector('#warnings').hidden = all.length === 0;
  rows(warnings, all, (one) => String(one.id), (one) => {
    const name = (node) => {
      if (!node) return '';
      const button = make('button', { type: 'button' }, node.name);
      button.addEventListener('click', () => choose(node.id));
      return button;
    };
    return make('tr', { className: one.level }, make('td', {}, clock(one.at)), make('td', {}, one.level === 'error' ? '■ error' : '▲ warning'),
      make('td', {}, name(one.by)), make('td', {}, name(one.about)), make('td', { className: 'text' }, one.text), make('td', { className: 'number' }));
  }, (row, one) => set(row.lastChild, one.times > 1 ? number(one.times) : ''));
}
