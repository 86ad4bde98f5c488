// A browser for tests: that of the system, by playwright-core, which ZYRE_BROWSER_DIR holds.

import { createRequire } from 'node:module';

const require = createRequire(`${process.env.ZYRE_BROWSER_DIR}/`);
const { chromium } = require('playwright-core');

/// Starts it.
export const launch = () => chromium.launch({
  executablePath: process.env.ZYRE_BROWSER,
  // Root has no sandbox; there is no graphics card.
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars'],
});

/// Waits until something holds in the page.
export async function until(page, what, check, argument, timeout = 20000) {
  await page.waitForFunction(check, argument, { timeout, polling: 50 })
    .catch((error) => { throw new Error(`${what}: ${error.message}`); });
}

/// Opens the page, and waits for the first picture. What the page says is wrong is a failure.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  page.on('request', (request) => { if (new URL(request.url()).origin !== new URL(url).origin) wrong.push(`loads ${request.url()}`); });
  await page.goto(url);
  await until(page, 'the first picture', () => globalThis.zyre?.source.live.v >= 0);
  return { context, page, wrong };
}
