// What a browser sees: node checks.mjs CHECK URL [ARGUMENT...]. Prints what was measured, and fails if it is wrong.

import assert from 'node:assert/strict';
import { launch, open, until } from './browser.mjs';

const [check, url, ...given] = process.argv.slice(2);
const browser = await launch();

/// Answers a line that the test has written, or waits for it.
const lines = [];
let wake = () => {};
process.stdin.setEncoding('utf8').on('data', (text) => { lines.push(...text.split('\n').filter(Boolean)); wake(); });
async function told() {
  while (lines.length === 0) await new Promise((resolve) => { wake = resolve; });
  return lines.shift();
}
const say = (what) => console.log(JSON.stringify(what));

const checks = {
  /// A real network: counts agree, and a name that is markup stays text. Then the server goes and comes.
  async live(expected) {
    const wanted = JSON.parse(expected);
    const { page, wrong } = await open(browser, url);
    let loaded = 0;
    page.on('request', (request) => { if (request.resourceType() === 'image') loaded += 1; });
    await page.exposeFunction('caught', () => { wrong.push('markup was taken as such'); });
    await page.evaluate(() => { globalThis.alert = () => globalThis.caught(); });
    await until(page, 'the numbers of the nodes', (wanted) => {
      const number = (id) => Number(document.getElementById(`sum-${id}`)?.textContent.replace(/\D/g, ''));
      return number('present') === wanted.present && number('enters') === wanted.enters && number('exits') === wanted.exits && number('warned') === wanted.warnings;
    }, wanted);
    const names = await page.$$eval('#nodes li .name', (all) => all.map((one) => one.textContent));
    assert.ok(names.includes(wanted.name) && names.includes(wanted.hidden), names.join());
    assert.equal(await page.$$eval('#nodes li', (all) => all.filter((row) => row.querySelector('small').textContent.startsWith('gone')).length), wanted.exits);
    // The page of the node whose name is markup, and what it has warned of.
    await page.locator('#nodes li button', { hasText: wanted.name }).click();
    await until(page, 'its page', (name) => document.querySelector('#detail h2')?.textContent === name, wanted.name);
    assert.ok((await page.textContent('#detail')).includes(wanted.header));
    await page.keyboard.press('Escape');
    await page.keyboard.press('3');
    await until(page, 'its warning', (text) => [...document.querySelectorAll('#warnings td.text')].some((cell) => cell.textContent === text), wanted.warning);
    await page.keyboard.press('2');
    await page.waitForTimeout(300);
    await page.keyboard.press('4');
    await page.waitForTimeout(300);
    await page.keyboard.press('1');
    assert.equal(await page.$$eval('img, script:not([src]), iframe, b > b', (all) => all.length), 0);
    assert.equal(loaded, 0, 'images');
    // Back to a moment, and on again.
    await page.keyboard.press('Home');
    await until(page, 'the beginning', () => globalThis.zyre.source.moment !== null && globalThis.zyre.source.shown.nodes.size < 3);
    assert.equal(await page.textContent('#status'), 'Looking back');
    await page.keyboard.press('l');
    await until(page, 'now', (size) => globalThis.zyre.source.shown.figures.present === size, wanted.present);
    // The server goes.
    say({ ready: true });
    await told();
    await until(page, 'that the server is gone', () => document.getElementById('status').textContent.startsWith('Server gone'));
    const quiet = wrong.filter((text) => !/ERR_|Failed to load/.test(text));
    assert.deepEqual(quiet, []);
    say({ gone: true });
    await told();
    await until(page, 'that it is back', () => document.getElementById('status').textContent === 'Live' && globalThis.zyre.source.shown.figures.present > 1, null, 30000);
    say({ back: true, present: await page.evaluate(() => globalThis.zyre.source.shown.figures.present) });
  },

  /// A crowd for a while: how long frames take, by the browser's own trace.
  async crowd(seconds) {
    const { page, wrong } = await open(browser, url, { viewport: { width: 1280, height: 800 } });
    const client = await page.context().newCDPSession(page);
    const heap = async () => { await client.send('HeapProfiler.collectGarbage'); return (await page.evaluate(() => performance.memory.usedJSHeapSize)); };
    await page.waitForTimeout(5000);
    const before = await heap();
    const categories = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing', '__metadata'];
    await browser.startTracing(page, { categories });
    await page.evaluate(() => console.timeStamp('begin'));
    await page.waitForTimeout(Number(seconds) * 1000);
    const trace = JSON.parse((await browser.stopTracing()).toString());
    const after = await heap();
    const shown = await page.evaluate(() => ({ present: globalThis.zyre.source.shown.figures.present, lines: globalThis.zyre.source.shown.figures.lines, rate: globalThis.zyre.source.shown.figures.rate, missed: globalThis.zyre.source.lost }));
    assert.deepEqual(wrong, []);
    say({ ...frames(trace.traceEvents), ...shown, heapBefore: before, heapAfter: after });
  },

  /// The page as it is, for a while: what came last, and whether anything was missed.
  async watch(seconds) {
    const { page, wrong } = await open(browser, url);
    await page.waitForTimeout(Number(seconds) * 1000);
    const shown = await page.evaluate(() => ({ lines: globalThis.zyre.source.shown.figures.lines, missed: globalThis.zyre.source.lost }));
    assert.deepEqual(wrong, []);
    say(shown);
  },
};

/// Script, style, layout and paint of each frame, and how late frames were, in milliseconds.
function frames(events) {
  const tick = events.filter((event) => event.name === 'FireAnimationFrame');
  const count = new Map();
  for (const event of tick) { const key = `${event.pid} ${event.tid}`; count.set(key, (count.get(key) ?? 0) + 1); }
  const [thread] = [...count].sort((a, b) => b[1] - a[1])[0];
  const mine = events.filter((event) => `${event.pid} ${event.tid}` === thread).sort((a, b) => a.ts - b.ts);
  const starts = mine.filter((event) => event.name === 'FireAnimationFrame').map((event) => event.ts);
  // Outermost events only: what is within them counts with them. By the time of the thread, since another process
  // is no fault of the page. Not what fills the pixels of the canvas, where a graphics card is missing.
  const counted = new Set(['FireAnimationFrame', 'FunctionCall', 'EvaluateScript', 'EventDispatch', 'TimerFire', 'UpdateLayoutTree', 'Layout', 'PrePaint', 'Paint', 'Layerize', 'RunMicrotasks', 'MinorGC', 'MajorGC', 'V8.GCScavenger', 'ParseHTML', 'XHRReadyStateChange']);
  const costs = new Map();
  let end = 0;
  let i = -1;
  for (const event of mine) {
    if (event.ph !== 'X' || !counted.has(event.name) || event.ts < end) continue;
    end = event.ts + event.dur;
    while (i + 1 < starts.length && starts[i + 1] <= event.ts) i += 1;
    // Several callbacks are one frame.
    if (i >= 0) costs.set(frameOf(starts, i), (costs.get(frameOf(starts, i)) ?? 0) + (event.tdur ?? event.dur) / 1000);
  }
  const heads = [...new Set(starts.map((_, index) => frameOf(starts, index)))].map((index) => starts[index]);
  const gaps = heads.slice(1).map((start, index) => (start - heads[index]) / 1000).sort((a, b) => a - b);
  const all = [...costs.values()].sort((a, b) => a - b);
  const at = (list, share) => list[Math.min(list.length - 1, Math.floor(list.length * share))];
  return { frames: heads.length, cost50: at(all, 0.5), cost95: at(all, 0.95), cost99: at(all, 0.99), costMost: all.at(-1), latest: gaps.at(-1), gap95: at(gaps, 0.95) };
}

/// The first of the callbacks of one frame: they come within two milliseconds of each other's end.
const heads = new Map();
function frameOf(starts, i) {
  if (heads.has(i)) return heads.get(i);
  const head = i > 0 && starts[i] - starts[i - 1] < 4000 ? frameOf(starts, i - 1) : i;
  heads.set(i, head);
  return head;
}

try {
  await checks[check](...given);
} finally {
  await browser.close();
}
process.exit(0);
