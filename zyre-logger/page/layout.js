// Where nodes and groups stand: springs between nodes and their groups, and everybody keeps a distance.
// It comes to rest, and moves little when somebody comes or goes.

const REACH = 150;
const REST = 0.012;

/// A number between 0 and 1 that belongs to a text.
export function hash(text) {
  let value = 2166136261;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  return (value >>> 0) / 4294967296;
}

export class Layout {
  bodies = new Map();
  links = [];
  heat = 0;
  aspect = 1;

  /// Takes over who is there. `nodes` are ids with the groups that they are in.
  update(nodes, groups) {
    const before = this.bodies;
    const bodies = new Map();
    const spread = 60 + 22 * Math.sqrt(nodes.length + groups.length);
    let fresh = 0;
    const place = (key, weight, near) => {
      const old = before.get(key);
      if (old) { old.weight = weight; bodies.set(key, old); return; }
      fresh += 1;
      const angle = hash(key) * 2 * Math.PI;
      const anchor = near.map((name) => before.get(`g${name}`)).find(Boolean);
      const radius = anchor ? 50 : spread * (0.4 + 0.6 * hash(`${key}r`));
      bodies.set(key, {
        key, weight, vx: 0, vy: 0,
        x: (anchor?.x ?? 0) + Math.cos(angle) * radius, y: (anchor?.y ?? 0) + Math.sin(angle) * radius,
      });
    };
    for (const group of groups) place(`g${group}`, 3, []);
    for (const { id, groups: of } of nodes) place(`n${id}`, 1, of);
    this.bodies = bodies;
    const links = [];
    for (const { id, groups: of } of nodes) {
      const a = bodies.get(`n${id}`);
      for (const group of of) {
        const b = bodies.get(`g${group}`);
        if (b) links.push({ a, b, pull: 1 / Math.sqrt(of.length) });
      }
    }
    const changed = fresh + Math.abs(links.length - this.links.length) + (before.size - (bodies.size - fresh));
    this.links = links;
    for (const body of bodies.values()) body.linked = false;
    for (const link of links) { link.a.linked = true; link.b.members = 0; }
    for (const link of links) link.b.members += 1;
    if (changed > 0) {
      // A few move a little; a crowd settles anew.
      const share = changed / Math.max(bodies.size, 1);
      this.heat = Math.max(this.heat, Math.min(1, 0.12 + 2 * share));
      // The first time nobody watches it settle.
      if (before.size === 0) for (let i = 0; i < 220 && this.heat > REST; i += 1) this.tick();
    }
  }

  get rests() { return this.heat <= REST; }

  /// Moves everybody a step.
  tick() {
    if (this.rests) return;
    const all = [...this.bodies.values()];
    const cells = new Map();
    for (const body of all) {
      const cell = Math.floor(body.x / REACH) * 100003 + Math.floor(body.y / REACH);
      const inside = cells.get(cell);
      if (inside) inside.push(body); else cells.set(cell, [body]);
    }
    for (const body of all) {
      // Who is in no group is held in the middle by nothing else.
      const pull = (body.weight === 1 && !body.linked ? 0.012 : 0.0035) * this.heat;
      // As wide as the view is.
      body.vx -= (body.x * pull) / this.aspect;
      body.vy -= body.y * pull * this.aspect;
      const cell = Math.floor(body.x / REACH) * 100003 + Math.floor(body.y / REACH);
      for (const dx of [-100003, 0, 100003]) {
        for (const dy of [-1, 0, 1]) {
          const near = cells.get(cell + dx + dy);
          if (near) for (const other of near) this.#apart(body, other);
        }
      }
    }
    for (const { a, b, pull } of this.links) {
      const dx = b.x - a.x;
      const dy = b.y - a.y;
      const distance = Math.hypot(dx, dy) || 1;
      const wanted = 46 + 5 * Math.sqrt(b.members);
      const force = ((distance - wanted) / distance) * 0.05 * pull * this.heat;
      a.vx += dx * force;
      a.vy += dy * force;
      const back = Math.min(1, 4 / b.members);
      b.vx -= dx * force * back;
      b.vy -= dy * force * back;
    }
    for (const body of all) {
      body.vx *= 0.72;
      body.vy *= 0.72;
      const speed = Math.hypot(body.vx, body.vy);
      const limit = 9 / Math.max(speed, 9);
      if (body.held) continue;
      body.x += body.vx * limit;
      body.y += body.vy * limit;
    }
    this.heat *= 0.985;
  }

  #apart(body, other) {
    if (body === other) return;
    let dx = body.x - other.x;
    let dy = body.y - other.y;
    if (dx === 0 && dy === 0) { dx = hash(body.key) - 0.5; dy = hash(other.key) - 0.5; }
    const square = dx * dx + dy * dy;
    if (square > REACH * REACH) return;
    const force = (420 * other.weight / Math.max(square, 60)) * this.heat / Math.sqrt(Math.max(square, 1));
    body.vx += dx * force;
    body.vy += dy * force;
  }
}
