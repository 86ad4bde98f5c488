// What is known: the picture as it comes from the server, or one of an earlier moment.

const empty = () => ({
  at: 0, v: -1, collector: null, nodes: new Map(), warnings: new Map(), transfers: [], about: {},
  figures: { nodes: {}, groups: [], shouts: [], whispers: [], exits: {}, events: {}, seconds: [] },
});

const listeners = new Set();
let live = empty();
let past = null;
let stream = null;
let pause = 1000;
let heard = 0;
let asked = 0;
let lastFrame = performance.now();

export const source = {
  /// The picture that is shown.
  get shown() { return past ?? live; },
  /// The picture now.
  get live() { return live; },
  /// The moment that was gone back to; null while what comes is shown.
  moment: null,
  state: 'connecting',
  lost: 0,
};

/// Calls a function whenever something has changed.
export const follow = (listener) => listeners.add(listener);

const tell = (what) => listeners.forEach((listener) => listener(what));

// What would not be seen, or would turn what stands beside it around, is shown as what it is.
const hidden = /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const mayHide = /\\u00|\\[bfnrt]|[\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const name = (sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`;
const printable = (key, value) => (typeof value === 'string' ? value.replace(hidden, name) : value);
const read = (text) => (mayHide.test(text) ? JSON.parse(text, printable) : JSON.parse(text));

function whole(json) {
  const picture = { ...empty(), ...json };
  picture.nodes = new Map(json.nodes.map((node) => [node.id, node]));
  picture.warnings = new Map(json.warnings.map((warning) => [warning.id, warning]));
  return picture;
}

function change(json) {
  if (json.v <= live.v) {
    // It is of before the picture that we have; the figures are as good.
    if (json.figures && json.v === live.v) Object.assign(live, { figures: json.figures, at: json.at, about: json.about });
    return;
  }
  for (const node of json.nodes) live.nodes.set(node.id, node);
  for (const id of json.forgotten) live.nodes.delete(id);
  if (json.warnings.length) {
    for (const warning of json.warnings) live.warnings.set(warning.id, warning);
    const most = 300;
    if (live.warnings.size > most) {
      const old = [...live.warnings.keys()].sort((a, b) => a - b).slice(0, live.warnings.size - most);
      old.forEach((id) => live.warnings.delete(id));
    }
  }
  live.at = json.at;
  live.v = json.v;
  live.collector = json.collector;
  if (json.transfers) live.transfers = json.transfers;
  if (json.figures) Object.assign(live, { figures: json.figures, about: json.about });
}

function setState(state) {
  if (source.state !== state) { source.state = state; tell('state'); }
}

/// Follows the server, and comes back to it whenever it is gone.
export function connect() {
  stream = new EventSource('/api/events');
  const on = (name, take) => stream.addEventListener(name, (event) => {
    heard = performance.now();
    pause = 1000;
    take(read(event.data));
    setState('live');
    tell(name);
  });
  on('picture', (json) => { live = whole(json); });
  on('delta', change);
  on('lost', (json) => { source.lost += json.updates; });
  stream.onerror = () => {
    setState('gone');
    stream.close();
    // Our own pauses: browsers give up for good after some answers.
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 10000);
  };
}

/// A server that says nothing at all is gone as well.
setInterval(() => {
  const now = performance.now();
  // A page that slept has heard nothing because it slept.
  const slept = now - lastFrame > 4000;
  lastFrame = now;
  if (!slept && source.state === 'live' && now - heard > 15000) stream.onerror();
}, 2000);

/// Asks the server.
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value != null));
  const response = await fetch(`${path}?${query}`);
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return read(await response.text());
}

/// Goes to a moment; null is now. While the last one is on its way only the newest is kept.
export async function go(moment) {
  source.moment = moment === null ? null : Math.round(moment);
  if (moment === null) {
    past = null;
    tell('moment');
    return;
  }
  tell('moment');
  if (asked > 0) { asked = 2; return; }
  do {
    asked = 1;
    const wanted = source.moment;
    if (wanted === null) break;
    try {
      const json = await ask('/api/picture.json', { at: wanted });
      if (source.moment !== null) { past = { ...whole(json), about: live.about }; tell('picture'); }
    } catch (error) {
      if (source.moment === wanted && asked === 1) tell('failed');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } while (asked === 2);
  asked = 0;
}
