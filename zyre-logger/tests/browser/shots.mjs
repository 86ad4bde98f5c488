// Pictures of the page: node shots.mjs URL FOLDER NAME [SIZE,... [THEME,... [VIEW,...]]]

import { launch, open, until } from './browser.mjs';

const [url, folder, name, sizes = '1280x800', themes = 'light', views = 'network'] = process.argv.slice(2);
const browser = await launch();
for (const size of sizes.split(',')) {
  const [width, height] = size.split('x').map(Number);
  for (const theme of themes.split(',')) {
    const { context, page, wrong } = await open(browser, url, { viewport: { width, height }, colorScheme: theme, locale: 'en-GB' });
    for (const view of views.split(',')) {
      const [tab, more] = view.split('-');
      await page.click(`nav button[data-view="${tab}"]`);
      if (more === 'node') await page.click('#nodes li:nth-child(3) button');
      // The graph settles, and what is asked for arrives.
      await page.waitForTimeout(tab === 'network' && !more ? 2500 : 1200);
      await page.screenshot({ path: `${folder}/${name}-${width}-${theme}-${view}.png` });
      if (more === 'node') await page.keyboard.press('Escape');
    }
    if (wrong.length) throw new Error(wrong.join('\n'));
    await context.close();
  }
}
await browser.close();
void until;
