// What somebody does in the console, in a real Chromium.
//
// usage: node flows.js LINK PORT PICTURES
// environment: BACKSTAY_CHROMIUM, the browser; BACKSTAY_PLAYWRIGHT, the folder of playwright-core; BACKSTAY_AXE, axe.min.js
//
// Prints one JSON object: `flows`, each `ok` or what went wrong; `console`, what the browser complained about; `violations`, what axe-core
// found. Pictures of each page are left in PICTURES.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require(process.env.BACKSTAY_PLAYWRIGHT);

const [link, port, pictures] = process.argv.slice(2);
const axe = fs.readFileSync(process.env.BACKSTAY_AXE, 'utf8');
const home = new URL(link).origin;
const BACKENDS = '/objects/core.apoxy.dev/v1alpha2/backends';
const seen = { flows: {}, console: [], violations: [] };

const check = (holds, what) => { if (!holds) throw new Error(what); };

async function audit(page, name) {
  // Injected by the driver, as no page of another could be.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const { id, help, nodes } of violations) {
    seen.violations.push(`${name}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.html} ${(node.any[0] || {}).message || ''}`).join(' | ')}`);
  }
}

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.BACKSTAY_CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, bypassCSP: false });
  const page = await context.newPage();
  page.setDefaultTimeout(30000);
  const listen = (page) => {
    // A page that says what was refused has a status of its own, which the browser tells as well.
    page.on('console', (message) => { if (['error', 'warning'].includes(message.type()) && !/status of 422/.test(message.text())) seen.console.push(`${page.url()}: ${message.text()}`); });
    page.on('pageerror', (error) => seen.console.push(`${page.url()}: ${error}`));
  };
  listen(page);
  const flow = async (name, work) => {
    try {
      await work();
      seen.flows[name] = 'ok';
    } catch (error) {
      seen.flows[name] = String(error.message || error).slice(0, 600);
      await page.screenshot({ path: path.join(pictures, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
    }
  };
  const picture = (name, of = page) => of.screenshot({ path: path.join(pictures, `${name}.png`) });

  await flow('the link leads in and out of the address', async () => {
    await page.goto(link);
    check(page.url() === `${home}/`, page.url());
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('edge-1').first().waitFor();
  });
  await flow('the overview says what is not in force and draws traffic', async () => {
    await page.getByRole('link', { name: /HTTPRoute default\/broken/ }).first().waitFor();
    await page.locator('polyline.line').first().waitFor();
    await page.locator('polyline.line').nth(3).waitFor();
    await page.waitForFunction(() => Number(document.querySelector('.plot strong').textContent.replace('k', '000')) > 0);
    await audit(page, 'overview');
    await picture('overview');
  });
  await flow('objects are searched, sorted and paged', async () => {
    await page.getByRole('link', { name: 'Objects' }).click();
    await page.getByRole('link', { name: 'Backend', exact: true }).click();
    await page.getByText('Page 1 of 3').waitFor();
    await page.getByRole('link', { name: 'Later' }).click();
    await page.getByText('Page 2 of 3').waitFor();
    await page.getByRole('link', { name: 'Name' }).click();
    await page.getByLabel('Search').fill('many-0007');
    await page.getByLabel('Search').press('Enter');
    await page.getByText('1 of 122').waitFor();
    await audit(page, 'list');
    await page.goto(`${home}${BACKENDS}`);
    await picture('objects');
  });
  await flow('an object says how it stands and what uses it', async () => {
    await page.goto(`${home}${BACKENDS}/-/app`);
    await page.getByRole('heading', { name: 'Conditions' }).waitFor();
    await page.getByRole('link', { name: 'HTTPRoute default/app' }).waitFor();
    await page.getByText('Requests a second').waitFor();
    await audit(page, 'object');
    await picture('backend');
  });
  await flow('an edit is tried, compared, applied and waited for', async () => {
    await page.goto(`${home}${BACKENDS}/-/hostile`);
    await page.getByRole('link', { name: 'Edit' }).click();
    const area = page.getByLabel('The object as YAML');
    const text = await area.inputValue();
    check(text.includes('192.0.2.1'), text);
    await audit(page, 'edit');
    await area.fill(text.replace('192.0.2.1', '192.0.2.999'));
    await page.getByRole('button', { name: 'See what would change' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('The object as YAML').fill(text.replace('192.0.2.1', '192.0.2.7'));
    await page.getByRole('button', { name: 'See what would change' }).click();
    await page.locator('ins', { hasText: '192.0.2.7' }).waitFor();
    await page.locator('del', { hasText: '192.0.2.1' }).waitFor();
    await audit(page, 'diff');
    await picture('diff');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText(/Generation 2/).waitFor();
    await picture('progress');
  });
  await flow('an object is made: tried, compared, stored', async () => {
    await page.goto(`${home}${BACKENDS}`);
    await page.getByRole('link', { name: 'New Backend' }).click();
    const area = page.getByLabel('The object as YAML');
    const text = await area.inputValue();
    check(text.includes('kind: Backend'), text);
    await audit(page, 'new');
    await picture('new');
    await area.fill(text.replace('my-backend', 'Not a name'));
    await page.getByRole('button', { name: 'See what would change' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('The object as YAML').fill(text.replace('my-backend', 'made-here'));
    await page.getByRole('button', { name: 'See what would change' }).click();
    await page.locator('ins', { hasText: 'made-here' }).waitFor();
    await audit(page, 'new diff');
    await picture('new-diff');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText(/Generation 1/).waitFor();
    check(page.url().includes('/backends/-/made-here?applied=1'), page.url());
  });
  await flow('what is used says so before it is deleted, and the rest goes', async () => {
    await page.goto(`${home}${BACKENDS}/-/app`);
    await page.getByRole('link', { name: 'Delete' }).click();
    await page.getByText('It is used by 1 object.').waitFor();
    await page.getByRole('link', { name: 'HTTPRoute default/app' }).waitFor();
    await audit(page, 'delete');
    await picture('delete');
    await page.getByRole('button', { name: 'Delete Backend app' }).click();
    check(page.url().endsWith('/delete'), 'the box has to be ticked');
    await page.getByRole('link', { name: 'Keep it' }).click();
    await page.getByRole('heading', { name: 'Conditions' }).waitFor();
    await page.goto(`${home}${BACKENDS}/-/made-here/delete`);
    await page.getByText('Nothing is known to use it.').waitFor();
    await page.getByRole('button', { name: 'Delete Backend made-here' }).click();
    await page.getByText('made-here is deleted.').waitFor();
    await audit(page, 'deleted');
  });
  await flow('traffic shows rates and is sorted', async () => {
    await page.goto(`${home}/traffic`);
    await page.getByRole('link', { name: 'default/app' }).waitFor();
    await page.getByLabel('Sort by').selectOption('p99');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('link', { name: 'default/app' }).waitFor();
    await audit(page, 'traffic');
    await picture('traffic');
  });
  await flow('the tap shows requests as they come and stops', async () => {
    await page.goto(`${home}/traffic/tap?backend=app`);
    await page.locator('#tap-rows tr').nth(2).waitFor();
    check((await page.locator('#tap-rows tr').first().textContent()).includes('/cart'), 'the path');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('stopped').waitFor();
    await audit(page, 'tap');
    await picture('tap');
  });
  await flow('a URL is explained', async () => {
    await page.goto(`${home}/explain`);
    await page.getByLabel('URL').fill(`http://app.example.com:${port}/cart`);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('li.taken').nth(1).waitFor();
    await audit(page, 'explain');
    await picture('explain');
    await page.getByLabel('URL').fill(`http://nobody.example.com:${port}/cart`);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('li.left').first().waitFor();
  });
  await flow('Fastly services and KrakenD endpoints have pages', async () => {
    await page.goto(`${home}/fastly`);
    await page.getByText('There is no service.').waitFor();
    await audit(page, 'fastly');
    await page.goto(`${home}/krakend`);
    await page.locator('.composition svg').first().waitFor();
    await audit(page, 'krakend');
    await picture('krakend');
  });
  await flow('by keyboard alone', async () => {
    await page.goto(`${home}/`);
    await page.keyboard.press('Tab');
    check(await page.evaluate(() => document.activeElement.className === 'skip'), 'the first stop skips to the content');
    await page.keyboard.press('Enter');
    check(await page.evaluate(() => document.activeElement.id === 'content'), 'it leads there');
    await page.goto(`${home}/`);
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Objects' }).waitFor();
  });
  await flow('at 320 pixels nothing is wider than the screen', async () => {
    await page.setViewportSize({ width: 320, height: 700 });
    for (const place of ['/', BACKENDS, `${BACKENDS}/-/app`, '/traffic', '/traffic/tap', '/explain', '/krakend', `${BACKENDS}/-/hostile/edit`, `${BACKENDS}/new`, `${BACKENDS}/-/app/delete`]) {
      await page.goto(`${home}${place}`);
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      check(wide <= screen, `${place}: ${wide} of ${screen}`);
    }
    await page.goto(`${home}/`);
    await picture('narrow');
    await page.goto(`${home}${BACKENDS}/-/app/delete`);
    await picture('narrow-delete');
    await page.goto(`${home}${BACKENDS}`);
    await picture('narrow-list');
    await page.setViewportSize({ width: 1280, height: 860 });
  });
  await flow('in the dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto(`${home}/`);
    await audit(page, 'dark overview');
    await page.goto(`${home}${BACKENDS}/-/app`);
    await audit(page, 'dark object');
    await page.goto(`${home}${BACKENDS}/-/app/delete`);
    await audit(page, 'dark delete');
    await picture('dark-delete');
    await page.goto(`${home}/`);
    await page.locator('polyline.line').first().waitFor();
    await picture('dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });
  await flow('without JavaScript', async () => {
    const cookies = await context.cookies();
    const plain = await browser.newContext({ javaScriptEnabled: false });
    await plain.addCookies(cookies);
    const bare = await plain.newPage();
    listen(bare);
    for (const place of ['/', BACKENDS, `${BACKENDS}/-/app`, '/traffic', '/explain']) {
      const answer = await bare.goto(`${home}${place}`);
      check(answer.status() === 200, place);
    }
    await bare.goto(`${home}${BACKENDS}?search=many-0007`);
    await bare.getByText('1 of 122').waitFor();
    await bare.goto(`${home}${BACKENDS}/new`);
    await bare.getByLabel('The object as YAML').fill((await bare.getByLabel('The object as YAML').inputValue()).replace('my-backend', 'plain'));
    await bare.getByRole('button', { name: 'See what would change' }).click();
    await bare.getByRole('button', { name: 'Create' }).click();
    await bare.goto(`${home}${BACKENDS}/-/plain/delete`);
    await bare.getByRole('button', { name: 'Delete Backend plain' }).click();
    await bare.getByText('plain is deleted.').waitFor();
    await plain.close();
  });
  await flow('another page gets nothing', async () => {
    const other = await browser.newContext();
    const stranger = await other.newPage();
    check((await stranger.goto(`${home}/`)).status() === 401, 'without the cookie');
    await other.close();
  });
  await browser.close();
  process.stdout.write(JSON.stringify(seen));
})().catch((error) => { console.error(error); process.exit(1); });
