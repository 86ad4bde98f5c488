// The network as a graph. Shape tells how a node stands, and colour the same once more.

import { Layout, hash } from './layout.js';
import { source } from './source.js';

const RECENT = 10e6;
const WHISPERS = 150;
const canvas = document.getElementById('graph');
const stage = canvas.parentElement;
const pen = canvas.getContext('2d');
const layout = new Layout();
const widths = new Map();
let colours = {};
let view = { x: 0, y: 0, scale: 1, follows: true };
let size = { width: 0, height: 0, ratio: 1 };
let hovered = null;
let dirty = true;
let second = false;
let structure = '';
let select = () => {};
let selected = null;
let sought = '';
let rem = 16;

/// What each state looks like: also for the legend.
export const STATES = ['present', 'evasive', 'silent', 'unseen', 'gone'];

/// Draws the sign of a state.
export function sign(pen, state, x, y, r, colours) {
  pen.save();
  pen.lineWidth = Math.max(1.5, r / 4);
  pen.strokeStyle = colours[state];
  pen.fillStyle = colours[state];
  pen.beginPath();
  switch (state) {
    case 'present': pen.arc(x, y, r, 0, 7); pen.fill(); break;
    case 'evasive':
      pen.arc(x, y, r, 0, 7); pen.fillStyle = colours.back; pen.fill(); pen.stroke();
      pen.beginPath(); pen.arc(x, y, r, Math.PI / 2, 1.5 * Math.PI); pen.fillStyle = colours[state]; pen.fill(); break;
    case 'silent':
      pen.arc(x, y, r, 0, 7); pen.fillStyle = colours.back; pen.fill(); pen.setLineDash([r / 2, r / 2.5]); pen.stroke(); break;
    case 'unseen': pen.rect(x - r * 0.7, y - r * 0.7, r * 1.4, r * 1.4); pen.fillStyle = colours.back; pen.fill(); pen.stroke(); break;
    default:
      pen.moveTo(x - r * 0.6, y - r * 0.6); pen.lineTo(x + r * 0.6, y + r * 0.6);
      pen.moveTo(x + r * 0.6, y - r * 0.6); pen.lineTo(x - r * 0.6, y + r * 0.6); pen.stroke();
  }
  pen.restore();
}

/// Prepares the view. `onSelect` is called with the id of a node, or null.
export function init(onSelect) {
  select = onSelect;
  new ResizeObserver(resize).observe(stage);
  listen();
  resize();
  requestAnimationFrame(frame);
}

export function setColours(read) { colours = read; widths.clear(); rem = parseFloat(getComputedStyle(document.documentElement).fontSize); dirty = true; }
export function setSelected(id) { selected = id; dirty = true; }
export function setSought(text) { sought = text; dirty = true; }
export function changed() { dirty = true; }

/// Brings all into sight.
export function fit() { view.follows = true; dirty = true; }
export function zoom(factor, x = size.width / 2, y = size.height / 2) {
  const before = toWorld(x, y);
  view.scale = Math.min(6, Math.max(0.08, view.scale * factor));
  view.x = x - before.x * view.scale;
  view.y = y - before.y * view.scale;
  view.follows = false;
  dirty = true;
}

/// Who is shown: those that are there, and those that have only just gone.
export function shownNodes() {
  const { nodes, at } = source.shown;
  const there = [...nodes.values()].filter((node) => node.state !== 'gone');
  const names = new Set(there.map((node) => node.name));
  // One that is back under its name is not shown twice.
  const gone = [...nodes.values()].filter((node) => node.state === 'gone' && at - node.gone < RECENT && !names.has(node.name));
  return [...there, ...gone];
}

function resize() {
  const { clientWidth: width, clientHeight: height } = stage;
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  size = { width, height, ratio };
  layout.aspect = Math.min(2.2, Math.max(0.6, width / Math.max(height, 1)));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  dirty = true;
}

const toWorld = (x, y) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

function update() {
  const nodes = shownNodes();
  const groups = source.shown.figures.groups.map((group) => group.name);
  const known = new Set(groups);
  const members = nodes.map(({ id, groups: of }) => ({ id, groups: of.filter((name) => known.has(name)) }));
  const now = JSON.stringify([groups, members]);
  if (now !== structure) { structure = now; layout.update(members, groups); }
  return nodes;
}

function follow() {
  if (!view.follows || layout.bodies.size === 0) return;
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  const { nodes } = source.shown;
  for (const { x, y, key } of layout.bodies.values()) {
    if (nodes.get(key.slice(1))?.state === 'gone') continue;
    left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
  }
  const margin = 2.4 * rem;
  const most = Math.max(1.6, Math.min(size.width, size.height) / 260);
  const scale = Math.min(most, (size.width - 2 * margin) / Math.max(right - left, 1), (size.height - 2 * margin) / Math.max(bottom - top, 1));
  const goal = { scale: Math.max(scale, 0.08) };
  goal.x = size.width / 2 - ((left + right) / 2) * goal.scale;
  goal.y = size.height / 2 - ((top + bottom) / 2) * goal.scale;
  const near = Math.abs(goal.scale / view.scale - 1) < 0.003 && Math.hypot(goal.x - view.x, goal.y - view.y) < 0.5;
  const step = near || view.fresh !== false ? 1 : 0.15;
  view.fresh = false;
  for (const part of ['x', 'y', 'scale']) view[part] += (goal[part] - view[part]) * step;
  if (!near) dirty = true;
}

function frame() {
  requestAnimationFrame(frame);
  // While little moves every second frame is enough.
  second = !second;
  if (stage.offsetParent === null || (!dirty && layout.rests) || (second && layout.heat < 0.4)) return;
  dirty = false;
  const nodes = update();
  layout.tick();
  follow();
  draw(nodes);
}

const onScreen = (body) => [body.x * view.scale + view.x, body.y * view.scale + view.y];
const thickness = (rate) => Math.min(8, 1 + 1.3 * Math.log2(1 + rate));

function draw(nodes) {
  const { width, height, ratio } = size;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const picture = source.shown;
  const body = (kind, id) => layout.bodies.get(kind + id);
  const there = (id) => (picture.nodes.get(id)?.state === 'gone' ? undefined : body('n', id));
  const near = neighbours(picture);
  const calm = (id) => near && !near.has(id);
  drawMembership(nodes, calm);
  drawTraffic(picture, there, (name) => body('g', name), near ? hovered ?? selected : null);
  const r = Math.max(2.6, Math.min(0.75 * rem, 6.5 * view.scale ** 0.75));
  const leaders = new Map(picture.figures.groups.filter((group) => group.leader).map((group) => [group.leader.id, group.name]));
  const labels = [];
  for (const group of picture.figures.groups) drawGroup(group, body('g', group.name), r, labels, calm(`g${group.name}`));
  for (const node of nodes) drawNode(node, body('n', node.id), r, { picture, leaders, labels, faded: calm(node.id) });
  drawLabels(labels);
  stage.querySelector('.empty').hidden = nodes.length > 1 || picture.v < 0;
}

/// The nodes around the one that is looked at; null if none is.
function neighbours(picture) {
  const focus = hovered ?? selected;
  if (sought) {
    const found = new Set();
    for (const node of picture.nodes.values()) if (matches(node)) found.add(node.id);
    for (const group of picture.figures.groups) if (group.name.toLowerCase().includes(sought)) found.add(`g${group.name}`);
    return found.size ? found : null;
  }
  const node = focus && picture.nodes.get(focus);
  if (!node) return null;
  const near = new Set([focus, ...node.groups.map((name) => `g${name}`)]);
  for (const [from, to] of picture.figures.whispers) {
    if (from === focus) near.add(to);
    if (to === focus) near.add(from);
  }
  return near;
}

/// Whether a node is one that is looked for.
export const matches = (node) => node.name.toLowerCase().includes(sought) || node.id.startsWith(sought) || node.endpoint.includes(sought)
  || node.groups.some((name) => name.toLowerCase().includes(sought));

function drawMembership(nodes, calm) {
  for (const faded of [false, true]) {
    pen.beginPath();
    for (const node of nodes) {
      if (Boolean(calm(node.id)) !== faded) continue;
      const a = layout.bodies.get(`n${node.id}`);
      if (!a) continue;
      const [x, y] = onScreen(a);
      for (const group of node.groups) {
        const b = layout.bodies.get(`g${group}`);
        if (b) { pen.moveTo(x, y); pen.lineTo(...onScreen(b)); }
      }
    }
    pen.strokeStyle = colours.thread;
    pen.globalAlpha = faded ? 0.25 : nodes.length > 60 ? 0.55 : 0.9;
    pen.lineWidth = 1;
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/// What flows; a trickle is pale, so that a crowd is no ball of wool.
function drawTraffic(picture, node, group, focus) {
  const strokes = new Map();
  const least = Math.max(0.12, Math.min(0.4, 8 / layout.bodies.size));
  const strength = (rate, ...ends) => (focus === null ? Math.min(0.85, least + 0.22 * Math.log2(1 + rate)) : ends.includes(focus) ? 0.9 : 0.05);
  for (const [from, name, rate] of picture.figures.shouts) {
    const [a, b] = [node(from), group(name)];
    if (a && b) line(strokes, onScreen(a), onScreen(b), rate, colours.shout, Math.max(strength(rate, from), focus ? 0 : 0.4), 0);
  }
  // The busiest come first; more would only be wool.
  let drawn = 0;
  for (const [from, to, rate] of picture.figures.whispers) {
    if (drawn >= WHISPERS && from !== focus && to !== focus) continue;
    const [a, b] = [node(from), node(to)];
    if (!a || !b) continue;
    drawn += 1;
    line(strokes, onScreen(a), onScreen(b), rate, colours.whisper, strength(rate, from, to), 0.16);
  }
  stroke(strokes);
  strokes.clear();
  for (const file of picture.transfers) {
    const [a, b] = [node(file.from.id), node(file.to.id)];
    if (!a || !b || picture.at - file.at > (file.state === 'going' ? 60e6 : 5e6)) continue;
    pen.setLineDash([7, 5]);
    line(strokes, onScreen(a), onScreen(b), 6, colours.file, 1, -0.16);
    stroke(strokes);
    strokes.clear();
    pen.setLineDash([]);
  }
  pen.globalAlpha = 1;
}

/// Draws lines: those that look the same at once, which takes a fraction of the time.
function stroke(strokes) {
  for (const { colour, alpha, width, lines, arrows } of strokes.values()) {
    pen.globalAlpha = alpha;
    pen.strokeStyle = colour;
    pen.fillStyle = colour;
    pen.lineWidth = width;
    pen.stroke(lines);
    if (arrows) pen.fill(arrows);
  }
}

/// Adds a line that bends to its right, with an arrow, so that both directions are seen.
function line(strokes, [x, y], [to, down], rate, colour, strength, bend) {
  const [dx, dy] = [to - x, down - y];
  const [mx, my] = [x + dx / 2 - dy * bend, y + dy / 2 + dx * bend];
  const width = Math.round(thickness(rate) * 2) / 2;
  const alpha = Math.round(strength * 10) / 10 || 0.05;
  const key = `${colour} ${width} ${alpha}`;
  let same = strokes.get(key);
  if (!same) { same = { colour, width, alpha, lines: new Path2D(), arrows: null }; strokes.set(key, same); }
  same.lines.moveTo(x, y);
  if (bend) same.lines.quadraticCurveTo(mx, my, to, down); else same.lines.lineTo(to, down);
  if (!bend || alpha < 0.3) return;
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const [cx, cy] = [(x + 2 * mx + to) / 4, (y + 2 * my + down) / 4];
  const a = 4 + width;
  same.arrows ??= new Path2D();
  same.arrows.moveTo(cx + ux * a, cy + uy * a);
  same.arrows.lineTo(cx - ux * a - uy * a * 0.8, cy - uy * a + ux * a * 0.8);
  same.arrows.lineTo(cx - ux * a + uy * a * 0.8, cy - uy * a - ux * a * 0.8);
}

function drawGroup(group, body, r, labels, faded) {
  if (!body) return;
  const [x, y] = onScreen(body);
  const half = r * 1.05;
  pen.globalAlpha = faded ? 0.35 : 1;
  pen.fillStyle = colours.group;
  pen.beginPath();
  pen.roundRect(x - half, y - half, 2 * half, 2 * half, half / 2);
  pen.fill();
  pen.globalAlpha = 1;
  labels.push({ x, y: y + half + 3, text: group.name, weight: faded ? 2 : 1e6 + group.members, bold: true, faded });
}

function drawNode(node, body, r, { picture, leaders, labels, faded }) {
  if (!body) return;
  const [x, y] = onScreen(body);
  pen.globalAlpha = faded ? 0.3 : 1;
  if (node.id === selected || node.id === hovered) ring(x, y, r + 5, colours.fore, 2);
  if (node.key && node.state !== 'gone') ring(x, y, r + 2.6, colours.secure, 1.3);
  if (node.id === picture.collector) {
    // The one who watches.
    pen.fillStyle = colours.fore;
    pen.beginPath(); pen.moveTo(x, y - r); pen.lineTo(x + r, y); pen.lineTo(x, y + r); pen.lineTo(x - r, y); pen.fill();
  } else sign(pen, node.state, x, y, node.state === 'gone' ? r * 0.8 : r, colours);
  if (leaders.has(node.id)) star(x + r * 0.9, y - r * 0.9, Math.max(5, r * 0.75));
  const rate = picture.figures.nodes[node.id]?.[0] ?? 0;
  let weight = faded ? 0 : node.state === 'gone' ? -1 : rate + (node.state === 'present' ? 0 : 1e3);
  if (node.id === hovered || node.id === selected) weight = 1e9;
  else if (sought && !faded) weight += 1e5;
  labels.push({ x, y: y + r + 3, text: node.name, weight, bold: weight >= 1e9, faded });
  pen.globalAlpha = 1;
}

function ring(x, y, r, colour, width) {
  pen.strokeStyle = colour; pen.lineWidth = width;
  pen.beginPath(); pen.arc(x, y, r, 0, 7); pen.stroke();
}

/// The sign of a leader.
export function star(x, y, r, to = pen, colour = colours.leader, back = colours.back) {
  to.beginPath();
  for (let i = 0; i < 10; i += 1) {
    const angle = (i * Math.PI) / 5 - Math.PI / 2;
    const at = i % 2 ? r * 0.45 : r;
    to.lineTo(x + Math.cos(angle) * at, y + Math.sin(angle) * at);
  }
  to.closePath();
  to.fillStyle = colour; to.strokeStyle = back; to.lineWidth = 1.5;
  to.stroke(); to.fill();
}

/// As many as there is room for, those that matter most first.
function drawLabels(labels) {
  const height = 0.8 * rem;
  const taken = [];
  labels.sort((a, b) => b.weight - a.weight);
  pen.textAlign = 'center';
  pen.textBaseline = 'top';
  pen.lineJoin = 'round';
  let drawn = 0;
  const room = (size.width * size.height) / 7000;
  const most = view.follows ? Math.max(14, Math.min(room, layout.bodies.size > 90 ? 60 : 120)) : 120;
  for (const label of labels) {
    if (drawn >= most) break;
    if (label.x < -40 || label.y < -40 || label.x > size.width + 40 || label.y > size.height + 40) continue;
    const text = label.text.length > 24 ? `${label.text.slice(0, 23)}…` : label.text;
    const key = (label.bold ? 'b' : 'n') + text;
    pen.font = `${label.bold ? 600 : 400} ${height}px system-ui, sans-serif`;
    let width = widths.get(key);
    if (width === undefined) {
      if (widths.size > 5000) widths.clear();
      width = pen.measureText(text).width;
      widths.set(key, width);
    }
    const x = Math.min(Math.max(label.x, width / 2 + 2), size.width - width / 2 - 2);
    const box = [x - width / 2 - 2, label.y, x + width / 2 + 2, label.y + height];
    if (label.weight < 1e9 && taken.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1])) continue;
    taken.push(box);
    drawn += 1;
    pen.globalAlpha = label.faded ? 0.45 : 1;
    pen.strokeStyle = colours.back;
    pen.lineWidth = 3.5;
    pen.strokeText(text, x, label.y);
    pen.fillStyle = colours.fore;
    pen.fillText(text, x, label.y);
  }
  pen.globalAlpha = 1;
}

function at(x, y) {
  let best = null;
  let distance = 16;
  for (const node of shownNodes()) {
    const body = layout.bodies.get(`n${node.id}`);
    if (!body) continue;
    const [a, b] = onScreen(body);
    const away = Math.hypot(a - x, b - y);
    if (away < distance) { distance = away; best = node.id; }
  }
  return best;
}

function listen() {
  const down = new Map();
  let moved = 0;
  const place = (event) => { const box = canvas.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
  canvas.addEventListener('pointerdown', (event) => { canvas.setPointerCapture(event.pointerId); down.set(event.pointerId, place(event)); moved = 0; });
  canvas.addEventListener('pointermove', (event) => {
    const to = place(event);
    const from = down.get(event.pointerId);
    if (!from) {
      const over = at(to.x, to.y);
      if (over !== hovered) { hovered = over; canvas.style.cursor = over ? 'pointer' : ''; dirty = true; }
      return;
    }
    moved += Math.hypot(to.x - from.x, to.y - from.y);
    if (down.size === 2) {
      const other = [...down].find(([id]) => id !== event.pointerId)[1];
      zoom(Math.hypot(to.x - other.x, to.y - other.y) / (Math.hypot(from.x - other.x, from.y - other.y) || 1), other.x, other.y);
    } else if (moved > 4) {
      view.x += to.x - from.x; view.y += to.y - from.y; view.follows = false; dirty = true;
    }
    down.set(event.pointerId, to);
  });
  const up = (event) => {
    const from = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (from && moved <= 4 && event.type === 'pointerup') select(at(from.x, from.y));
  };
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  canvas.addEventListener('pointerleave', () => { if (hovered) { hovered = null; dirty = true; } });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const { x, y } = place(event);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), x, y);
  }, { passive: false });
  canvas.addEventListener('dblclick', fit);
}

export { hash };
