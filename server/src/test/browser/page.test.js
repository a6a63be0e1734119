/** Behaviours of the page, against a real server, in a real browser. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..');
const FRAMES = 17;

let base = process.env.BLOCKREEL_URL;
let server;
let jobs;
let browser;
let complaints = [];

before(async () => {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  assert.ok(existsSync(executablePath), `no browser at ${executablePath}: set CHROMIUM`);
  if (!base) {
    jobs = mkdtempSync(path.join(tmpdir(), 'blockreel-page-'));
    base = await serve(jobs);
  }
  base = base.replace(/\/*$/, '/');
  // The sandbox of Chromium does not start for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  browser = await chromium.launch({ executablePath, args });
});

after(async () => {
  await browser?.close();
  if (server) {
    server.kill('SIGTERM');
    await new Promise((resolve) => server.once('exit', resolve));
    rmSync(jobs, { recursive: true, force: true });
  }
});

afterEach(async () => {
  for (const context of browser.contexts()) {
    await context.close();
  }
  const seen = complaints;
  complaints = [];
  assert.deepEqual(seen, [], 'the browser complained');
});

/** Starts a server on a free port; it says where when it is ready. */
function serve(folder) {
  server = spawn('./blockreel', ['serve', '--model', 'sprites-nbp', '--port', '0', '--data', folder], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let said = '';
    server.stdout.on('data', (data) => {
      said += data;
      const url = said.match(/http:\/\/\S+/);
      if (url) {
        resolve(url[0]);
      }
    });
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

async function visit(options = {}, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('pageerror', (error) => complaints.push(error.stack));
  page.on('console', (message) => {
    const text = message.text();
    // Answers of 400 and above are logged by the browser itself; tests look at what the page makes of them.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(text)) {
      complaints.push(text);
    }
  });
  await prepare(page);
  await page.goto(base + (options.hash ?? ''));
  await page.waitForSelector('#generate:enabled');
  return page;
}

/** Lets the page see other models than the server has. */
const pretend = (page, change) =>
  page.route('**/v1/models', async (route) => {
    const response = await route.fetch();
    const models = await response.json();
    change(models.data);
    await route.fulfill({ response, json: models });
  });

/** Answers the first requests that way, one after the other, and lets all others through. */
const answerFirst = (page, at, answers) =>
  page.route(at, (route) => {
    if (route.request().method() !== 'POST' || !answers.length) {
      return route.continue();
    }
    const answer = answers.shift();
    return answer ? route.fulfill(answer) : route.abort();
  });

/** What a full server answers. */
const queueFull = (seconds) => ({
  status: 429,
  headers: { 'Retry-After': String(seconds), 'x-request-id': 'req_test' },
  json: { error: { message: 'the queue is full', type: 'rate_limit_error', param: null, code: 'queue_full' } },
});

async function api(page, at, method = 'GET') {
  const response = await page.request.fetch(base + at, { method });
  return { status: response.status(), body: await response.json().catch(() => null) };
}

const shownId = (page) => page.evaluate(() => location.hash.slice(1));
const finished = (page) => page.waitForSelector('#download-button:visible');

/** Presses the button and waits for the new clip, which takes the place of the one that was there. */
async function generate(page, press = () => page.click('#generate')) {
  const before = await shownId(page);
  await press();
  await page.waitForFunction(
    (old) => location.hash.startsWith('#video_') && location.hash !== `#${old}`, before);
  await finished(page);
}

async function picture(page, name) {
  if (process.env.SCREENSHOTS) {
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`) });
  }
}

/** The pixels on the screen, as one text. */
const pixels = (page) => page.evaluate(() => document.getElementById('canvas').toDataURL());

async function firstFrame(page) {
  await page.focus('#film');
  await page.keyboard.press('Home');
  await page.waitForFunction(() => document.getElementById('counter').textContent.startsWith('1 /'));
}

test('frames are seen before the clip is finished', async () => {
  const page = await visit({ colorScheme: 'dark' }, async (one) => {
    // What the page shows, in the order in which it does.
    await one.addInitScript(() => {
      window.seen = [];
      new MutationObserver(() => {
        if (!document.getElementById('facts')) {
          return;
        }
        const state = {
          counter: document.getElementById('counter').textContent,
          screen: !document.getElementById('canvas').hidden,
          cancel: !document.getElementById('cancel-button').hidden,
          download: !document.getElementById('download-button').hidden,
          facts: document.getElementById('facts').textContent,
        };
        window.seen.push(state);
      }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    });
  });
  const order = [];
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      order.push(typeof payload === 'string' ? JSON.parse(payload) : payload);
    });
  });
  await page.evaluate(() => (window.seen = []));
  const whole = generate(page);
  await page.waitForFunction(() => window.seen.some((s) => s.screen && s.cancel && /block \d/.test(s.facts)));
  await picture(page, 'generating');
  await whole;
  await picture(page, 'finished-dark');

  const kinds = order.map((one) => (Buffer.isBuffer(one) ? 'frame' : one.type));
  assert.equal(kinds.filter((kind) => kind === 'frame').length, FRAMES);
  assert.ok(kinds.indexOf('frame') < kinds.indexOf('session.done'));
  const after = kinds.slice(kinds.indexOf('frame')).filter((kind) => kind === 'video.progress');
  assert.ok(after.length >= FRAMES / 2, 'most blocks came after the first frame');
  const seen = await page.evaluate(() => window.seen);
  const live = seen.filter((state) => state.screen && state.cancel && !state.download && /block \d/.test(state.facts));
  assert.ok(live.length > 3, 'the screen showed frames while the clip was being made');
  assert.match(await page.textContent('#facts'), /first frame after \d+\.\d\d s/);
  await page.waitForFunction((n) => document.getElementById('counter').textContent.endsWith(`/ ${n}`), FRAMES);
});

test('a finished clip can be downloaded and plays', async () => {
  const page = await visit();
  await generate(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download-button')]);
  assert.match(download.suggestedFilename(), /^walk-right_seed\d+\.mp4$/);
  const bytes = readFileSync(await download.path());
  assert.equal(bytes.subarray(4, 8).toString(), 'ftyp');
  const player = await (await browser.newContext()).newPage();
  const video = await player.evaluate(
    (data) =>
      new Promise((resolve, reject) => {
        const it = document.createElement('video');
        it.muted = true;
        it.onended = () => resolve({ width: it.videoWidth, duration: it.duration });
        it.onerror = () => reject(new Error(it.error.message));
        it.src = `data:video/mp4;base64,${data}`;
        it.play();
      }),
    bytes.toString('base64'),
  );
  assert.equal(video.width, 64);
  assert.ok(Math.abs(video.duration - FRAMES / 8) < 0.2, `it lasts ${video.duration} s`);
  const [sheet] = await Promise.all([page.waitForEvent('download'), page.click('#sheet-button')]);
  assert.equal(readFileSync(await sheet.path()).subarray(1, 4).toString(), 'PNG');
});

test('the title is that of the clip on the screen', async () => {
  const page = await visit();
  await generate(page);
  const finishedId = await shownId(page);
  await page.click('#generate');
  await page.waitForFunction(() => /^\d+ % Blockreel$/.test(document.title));
  await page.evaluate((id) => (location.hash = id), finishedId);
  await finished(page);
  assert.equal(await page.title(), 'Blockreel');
});

test('cancel ends the job on the server', async () => {
  const page = await visit();
  await page.check('input[name=takes][value="4"]', { force: true });
  await page.click('#generate');
  await page.waitForSelector('#cancel-button:visible');
  const id = await shownId(page);
  await page.click('#cancel-button');
  await page.waitForFunction(() => document.getElementById('facts').textContent.startsWith('Cancelled'));
  assert.equal((await api(page, `v1/videos/${id}`)).status, 404);
  assert.ok(await page.isHidden('#cancel-button'));
});

test('the same seed gives the same clip, another seed another one', async () => {
  const page = await visit();
  const shots = [];
  for (const seed of [7, 7, 8]) {
    await page.fill('#seed', String(seed));
    await generate(page);
    // The frames without loss come last.
    await page.waitForLoadState('networkidle');
    await firstFrame(page);
    shots.push(await pixels(page));
  }
  assert.ok(shots[0] === shots[1], 'seed 7 twice');
  assert.ok(shots[0] !== shots[2], 'seeds 7 and 8');
});

test('recent clips can be shown, used again and deleted', async () => {
  const page = await visit();
  await page.check('input[name=move][value="slash"]', { force: true });
  await page.check('input[name=way][value="down"]', { force: true });
  await page.fill('#seed', '41');
  await generate(page);
  await page.reload();
  const card = page.locator('.card').filter({ hasText: 'slash-down' }).filter({ hasText: 'seed 41' }).first();
  await card.waitFor();
  await card.locator('.card-open').click();
  await finished(page);
  await picture(page, 'gallery');
  await page.fill('#seed', '');
  await page.check('input[name=move][value="walk"]', { force: true });
  await card.hover();
  await card.getByRole('button', { name: 'Use the settings of slash-down again' }).click();
  assert.equal(await page.inputValue('#seed'), '41');
  assert.ok(await page.isChecked('input[name=move][value="slash"]'));
  const id = await shownId(page);
  await card.hover();
  await card.getByRole('button', { name: 'Delete slash-down' }).click();
  await page.waitForFunction(() => !document.getElementById('empty').hidden);
  assert.equal((await api(page, `v1/videos/${id}`)).status, 404);
});

test('older cards go when their clips go, and there is an end of them', async () => {
  let all = Array.from({ length: 150 }, (_, i) => ({
    id: `video_a_${String(150 - i).padStart(26, '0')}`, model: 'sprites-nbp', status: 'failed', progress: 0,
    created_at: 1000 - i, prompt: `clip ${i}`, size: '64x64', num_frames: FRAMES, fps: 8, seed: i,
    error: { code: 'internal', message: 'the server failed' },
  }));
  const page = await visit({}, (one) =>
    one.route('**/v1/videos?*', (route) => {
      const limit = Number(new URL(route.request().url()).searchParams.get('limit'));
      route.fulfill({ json: { data: all.slice(0, limit), has_more: all.length > limit } });
    }),
  );
  const cards = page.locator('.card');
  const count = (n) => page.waitForFunction((wanted) => document.querySelectorAll('.card').length === wanted, n);
  await count(12);
  await page.click('#older');
  await count(24);
  all = all.filter((video) => video.seed !== 20);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.waitForFunction(() => !document.getElementById('cards').textContent.includes('clip 20'));
  await count(24);
  for (let n = 36; n <= 96; n += 12) {
    await page.click('#older');
    await count(n);
  }
  await page.click('#older');
  await count(100);
  assert.ok(await page.isHidden('#older'));
  assert.match(await cards.last().textContent(), /clip 100/);
});

test('a card that played keeps no pictures', async () => {
  const page = await visit({}, (one) =>
    one.addInitScript(() => {
      window.bitmaps = 0;
      const create = window.createImageBitmap;
      window.createImageBitmap = async (...from) => {
        const bitmap = await create(...from);
        window.bitmaps += 1;
        return bitmap;
      };
      const close = ImageBitmap.prototype.close;
      ImageBitmap.prototype.close = function () {
        window.bitmaps -= this.width ? 1 : 0;
        close.call(this);
      };
    }),
  );
  await generate(page);
  // Those on the screen stay.
  const still = () => page.waitForFunction((n) => window.bitmaps === n, FRAMES);
  await still();
  const card = page.locator('.card-open').first();
  for (let i = 0; i < 2; i++) {
    await card.hover();
    await page.waitForFunction((n) => window.bitmaps === 2 * n, FRAMES);
    await page.mouse.move(0, 0);
    await still();
  }
});

test('a link leads to its clip', async () => {
  const page = await visit();
  await page.fill('#seed', '5');
  await generate(page);
  const id = await shownId(page);
  const other = await visit({ hash: `#${id}` });
  await finished(other);
  assert.equal(await shownId(other), id);
  assert.match(await other.textContent('#facts'), /seed 5/);
});

test('a lost connection is taken up again', async () => {
  let cut = 0;
  const page = await visit({}, (one) =>
    one.routeWebSocket(/realtime/, (socket) => {
      const upstream = socket.connectToServer();
      upstream.onMessage((message) => {
        socket.send(message);
        if (typeof message !== 'string' && cut === 0) {
          cut += 1;
          upstream.close();
          socket.close({ code: 3001, reason: 'cut by the test' });
        }
      });
    }),
  );
  await generate(page);
  assert.equal(cut, 1);
  await page.waitForFunction((n) => document.getElementById('counter').textContent.endsWith(`/ ${n}`), FRAMES);
  await page.waitForSelector('#link-state', { state: 'hidden' });
});

test('without a WebSocket the finished clip is fetched', async () => {
  const page = await visit({}, (one) => one.addInitScript(() => sessionStorage.setItem('blockreel-key', 'no subprotocol')));
  const whole = generate(page);
  await page.waitForFunction(() => /No live frames: the key/.test(document.getElementById('link-state').textContent));
  await page.waitForFunction(() => /block \d/.test(document.getElementById('facts').textContent));
  await whole;
  await page.waitForFunction((n) => document.getElementById('counter').textContent.endsWith(`/ ${n}`), FRAMES);
  assert.ok(await page.isHidden('#link-state'));
  assert.ok(await page.isHidden('#notice'));
});

test('a full queue is said, waited for and tried again', async () => {
  const page = await visit({}, (one) => answerFirst(one, '**/v1/videos', [queueFull(3)]));
  const whole = generate(page);
  await page.waitForSelector('#notice:visible');
  await page.evaluate(() => {
    window.alerts = 0;
    new MutationObserver(() => (window.alerts += 1))
      .observe(document.querySelector('#notice [role=alert]'), { subtree: true, childList: true, characterData: true });
  });
  assert.match(await page.textContent('#notice'), /The queue is full\..*queue_full · request req_test.*Trying again in [32] s/s);
  await picture(page, 'queue-full');
  await page.waitForFunction(() => document.getElementById('notice').textContent.includes('in 1 s'));
  assert.equal(await page.evaluate(() => window.alerts), 0, 'the countdown is not read out');
  await whole;
  assert.ok(await page.isHidden('#notice'));
});

test('images that are refused, or get no answer, are tried again', async () => {
  const page = await visit({}, async (one) => {
    // Of a model of clips the server gives the first frame.
    await pretend(one, ([model]) => (model.media = 'image'));
    await answerFirst(one, '**/v1/images/generations', [queueFull(1), null]);
  });
  await page.check('input[name=takes][value="2"]', { force: true });
  await page.fill('#seed', '70');
  await page.click('#generate');
  await page.waitForFunction(() => /Trying again/.test(document.getElementById('notice').textContent));
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.card').filter({ hasText: 'seed 71' }).first().waitFor();
  assert.equal(await page.locator('.card').filter({ hasText: 'seed 70' }).count(), 1);
  assert.ok(await page.isHidden('#notice'));
});

test('generate again takes the options of the clip, whatever model is chosen', async () => {
  const failed = {
    id: 'video_a_01M84ECN2D5H8JFRYTQ9K2RHW4', model: 'sprites-nbp', status: 'failed', progress: 0, created_at: 1,
    prompt: 'walk-left', size: '64x64', num_frames: FRAMES, fps: 8, seed: 3, extra_params: { top_k: 7, temperature: 0.85 },
    error: { code: 'internal', message: 'the server failed' },
  };
  const page = await visit({ hash: `#${failed.id}` }, async (one) => {
    await pretend(one, (models) =>
      models.unshift({ ...models[0], id: 'other', options: ['temperature'], defaults: { temperature: 1 } }),
    );
    await one.route(`**/v1/videos/${failed.id}`, (route) => route.fulfill({ json: failed }));
  });
  assert.equal(await page.inputValue('#model'), 'other');
  const [request] = await Promise.all([
    page.waitForRequest((one) => one.method() === 'POST'),
    page.getByRole('button', { name: 'Generate again' }).click(),
  ]);
  assert.deepEqual(request.postDataJSON(), {
    model: 'sprites-nbp', prompt: 'walk-left', seed: 3, extra_params: { top_k: 7 },
  });
});

test('what the server refuses is shown with its reason', async () => {
  const page = await visit({}, (one) =>
    one.route('**/v1/videos', (route) => {
      if (route.request().method() !== 'POST') {
        return route.continue();
      }
      return route.continue({ postData: JSON.stringify({ prompt: 'dancing' }) });
    }),
  );
  await page.click('#generate');
  await page.waitForSelector('#notice:visible');
  assert.match(await page.textContent('#notice-text'), /dancing/);
  assert.match(await page.textContent('#notice-detail'), /unknown_class · field prompt · request /);
  assert.match(await page.textContent('#notice-action'), /^Take \w+-\w+$/);
});

test('seeds that are none are refused at once', async () => {
  const page = await visit();
  await page.fill('#seed', 'twelve');
  await page.click('#generate');
  assert.ok(await page.isVisible('#seed-error'));
  assert.equal(await page.getAttribute('#seed', 'aria-invalid'), 'true');
});

test('everything works without a mouse', async () => {
  const page = await visit();
  await page.focus('input[name=way]:checked');
  await page.keyboard.press('ArrowUp');
  assert.ok(await page.isChecked('input[name=way][value="up"]'));
  await page.keyboard.press('ArrowLeft');
  assert.ok(await page.isChecked('input[name=way][value="left"]'));
  await page.focus('#seed');
  await page.keyboard.type('3');
  await generate(page, () => page.keyboard.press('Enter'));
  await firstFrame(page);
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.getAttribute('#film', 'aria-valuetext'), `Frame 2 of ${FRAMES}`);
  await page.keyboard.press('End');
  assert.equal(await page.getAttribute('#film', 'aria-valuenow'), String(FRAMES));
  await page.keyboard.press(' ');
  assert.equal(await page.getAttribute('#play-button', 'aria-label'), 'Pause');
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, select, [role=slider]')]
      .filter((one) => one.checkVisibility() && one.tabIndex >= 0)
      .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
      .map((one) => one.outerHTML),
  );
  assert.deepEqual(nameless, []);
});

test('a wrong key is said to be wrong', async () => {
  const page = await browser.newPage();
  // The server has no keys; this one knows but one.
  await page.route('**/v1/models', (route) =>
    route.request().headers().authorization === 'Bearer right'
      ? route.continue()
      : route.fulfill({ status: 401, json: { error: { message: 'this server needs a key', code: 'invalid_api_key' } } }),
  );
  await page.goto(base);
  await page.waitForSelector('#key-dialog[open]');
  assert.ok(await page.isHidden('#key-refused'), 'none was given yet');
  await page.fill('#key-input', 'wrong');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#key-refused:visible');
  await page.fill('#key-input', 'right');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#generate:enabled');
  assert.ok(await page.isHidden('#key-dialog'));
  await page.click('#key-button');
  assert.ok(await page.isHidden('#key-refused'), 'this one was not refused');
});

test('classes may have any names', async () => {
  const classes = ['up', 'left', 'right', 'down'].map((way) => `say "hi" \\\u00e9-${way}`);
  const page = await visit({}, (one) => pretend(one, ([model]) => (model.classes = classes)));
  await page.focus('input[name=way]:checked');
  await page.keyboard.press('ArrowRight');
  const [request] = await Promise.all([
    page.waitForRequest((one) => one.method() === 'POST'),
    page.click('#generate'),
  ]);
  assert.equal(request.postDataJSON().prompt, classes[2]);
});

test('light and dark follow the system until somebody chooses', async () => {
  const page = await visit({ colorScheme: 'dark' });
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  assert.equal(await theme(), 'dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
  await picture(page, 'light');
  await page.click('#theme-button');
  assert.equal(await theme(), 'dark');
  await page.reload();
  assert.equal(await theme(), 'dark');
});

test('text can be read in light and dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await visit({ colorScheme });
    const ratios = await page.evaluate(() => {
      const luminance = (text) => {
        const [r, g, b] = text.match(/[\d.]+/g).map(Number);
        const part = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
      };
      const behind = (one) => {
        for (let at = one; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if (!/^rgba\(.*, 0\)$/.test(colour)) {
            return colour;
          }
        }
        return 'rgb(255, 255, 255)';
      };
      return ['#facts', '#model-facts', 'label[for=seed]', '#generate', '.moves label', '.moves :checked + svg', '#archive-title']
        .map((selector) => document.querySelector(selector))
        .filter(Boolean)
        .map((one) => {
          const [a, b] = [getComputedStyle(one).color, behind(one)].map(luminance).sort((x, y) => y - x);
          return { what: one.className || one.id || one.tagName, ratio: (a + 0.05) / (b + 0.05) };
        });
    });
    for (const { what, ratio } of ratios) {
      assert.ok(ratio >= 4.5, `${colorScheme}: ${what} has a contrast of ${ratio.toFixed(1)}`);
    }
  }
});

test('a phone shows all of it, and fingers suffice', async () => {
  const page = await visit({
    viewport: { width: 360, height: 740 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, 'nothing sticks out');
  const button = await page.locator('#generate').boundingBox();
  assert.ok(button.y + button.height <= 740, 'the button is in reach');
  await generate(page, () => page.tap('#generate'));
  await picture(page, 'phone');
  const film = await page.locator('#film').boundingBox();
  await page.touchscreen.tap(film.x + film.width * 0.9, film.y + film.height / 2);
  const at = Number(await page.getAttribute('#film', 'aria-valuenow'));
  assert.ok(at >= FRAMES - 3, `the finger went to frame ${at}`);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, .segments label, .way, .moves label')]
      .filter((one) => one.checkVisibility())
      .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
      .filter(([, box]) => box.width && (box.width < 36 || box.height < 36))
      .map(([name]) => name),
  );
  assert.deepEqual(small, [], 'too small for a finger');
  await page.locator('#cards').scrollIntoViewIfNeeded();
  await picture(page, 'phone-gallery');
});

test('nothing is asked of another host', async () => {
  const asked = new Set();
  const page = await visit({}, async (one) => one.on('request', (r) => asked.add(new URL(r.url()).host)));
  await generate(page);
  asked.delete('');
  assert.deepEqual([...asked], [new URL(base).host]);
});
