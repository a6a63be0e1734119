/** Ties the page together: what is asked for, what is on the screen, what went wrong. */

import {
  ApiError, apiKey, content, createVideo, deleteVideo, getVideo, imageEvents, models, setApiKey,
} from './api.js';
import { fileName, framesOf, save } from './clip.js';
import { Gallery } from './gallery.js';
import { Options } from './options.js';
import { Picker } from './picker.js';
import { writeLetters } from './pixels.js';
import { calm, Screen } from './screen.js';
import { Watch } from './watch.js';

const $ = (id) => document.getElementById(id);
const TITLE = document.title;
const PARTIAL_IMAGES = 3;
const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

writeLetters();
const screen = new Screen();
const picker = new Picker($('picker'), $('pad'));
const options = new Options($('options'), (changed) => {
  $('more-state').textContent = changed ? `${changed} changed` : '';
  $('reset').hidden = !changed;
});
const gallery = new Gallery({
  open: (video) => open(video),
  reuse,
  remove: (video) => remove(video),
  failed: (error) => (error.status === 401 ? keyRefused() : connection(error.status !== 0)),
});

let known = [];
/** The clip on the screen: {video, began, firstFrame, watch, abort, blob}. */
let current = null;

// ---- Starting ----

async function start() {
  let pause = 500;
  for (;;) {
    try {
      known = await models();
      connection(true);
      break;
    } catch (e) {
      if (e.status === 401) {
        keyRefused();
        return;
      }
      connection(false, e.code === 'starting' ? 'The server is loading its models' : undefined);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(2 * pause, 8000);
    }
  }
  $('key-button').hidden = !apiKey();
  $('model').replaceChildren(...known.map((model) => new Option(model.id, model.id)));
  if (known.length) {
    showModel();
  }
  await gallery.refresh();
  const linked = location.hash.slice(1);
  const newest = gallery.newest();
  if (linked.startsWith('video_')) {
    await openId(linked);
  } else if (newest) {
    open(newest);
    screen.playing = !calm();
    screen.update();
  }
  // Not before, or the newest clip could take the place of one that was just asked for.
  $('generate').disabled = !known.length;
}

/** The model of an id, by default of the one that is chosen; undefined where the server has it no more. */
function model(id = $('model').value) {
  return known.find((one) => one.id === id);
}

function showModel() {
  const it = model();
  picker.show(it);
  options.show(it);
  $('more').hidden = !options.fields.length;
  const size = `${it.width}×${it.height}`;
  $('model-facts').textContent =
    it.media === 'image'
      ? `Images, ${size} · ${it.blocks} blocks`
      : `${size} · ${it.frames} frames at ${it.fps} a second · ${it.blocks} blocks`;
  $('licence').textContent = [it.id, it.licence, it.attribution].filter(Boolean).join('. ');
}

$('model').addEventListener('change', showModel);
$('reset').addEventListener('click', () => options.reset());
$('dice').addEventListener('click', () => {
  $('seed').value = Math.floor(Math.random() * 1_000_000);
  seed();
});
$('seed').addEventListener('input', seed);

/** The seed that was typed; null for none, undefined where it is none. */
function seed() {
  const text = $('seed').value.trim();
  const value = Number(text);
  const good = text === '' || (/^\d+$/.test(text) && value <= LARGEST_SEED);
  $('seed-error').hidden = good;
  $('seed-error').textContent = good ? '' : `A seed is a whole number from 0 to ${LARGEST_SEED}.`;
  $('seed').setAttribute('aria-invalid', String(!good));
  return good ? (text === '' ? null : value) : undefined;
}

// ---- Generating ----

$('desk').addEventListener('submit', (e) => {
  e.preventDefault();
  const first = seed();
  if (first === undefined) {
    $('seed').focus();
    return;
  }
  const takes = Number(new FormData($('desk')).get('takes'));
  const values = options.values();
  const fields = { model: model().id, prompt: picker.value };
  if (Object.keys(values).length) {
    fields.extra_params = values;
  }
  const all = Array.from({ length: takes }, (_, i) =>
    first === null ? fields : { ...fields, seed: (first + i) % (LARGEST_SEED + 1) },
  );
  hush();
  toScreen();
  if (model().media === 'image') {
    generateImages(all);
  } else {
    generate(all, true);
  }
});

/** On a phone the screen is above the controls. */
function toScreen() {
  const box = $('screen').getBoundingClientRect();
  if (box.top < 0 || box.bottom > innerHeight) {
    $('screen').scrollIntoView({ block: 'start', behavior: calm() ? 'auto' : 'smooth' });
  }
}

async function generate(all, show) {
  const began = performance.now();
  for (let i = 0; i < all.length; i++) {
    try {
      const video = await createVideo(all[i]);
      connection(true);
      gallery.put(video);
      if (show) {
        open(video, began);
        show = false;
      }
    } catch (e) {
      refused(e, () => generate(all.slice(i), show));
      break;
    }
  }
  gallery.refresh();
}

/** Tries again, at once or later, where that may help. */
function refused(error, again) {
  if (error.status === 401) {
    keyRefused();
  } else if (error.status === 429 || error.status === 503) {
    retryLater(error, again);
  } else {
    report(error, error.status === 0 ? ['Try again', again] : suggestion(error));
  }
}

function suggestion(error) {
  const [first] = error.suggestions ?? [];
  return first ? [`Take ${first}`, () => picker.pick(first)] : null;
}

/** Counts down to when the server wants to be asked again; the alert would be read out each second. */
function retryLater(error, again) {
  let left = Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  const tell = () => ($('notice-wait').textContent = `Trying again in ${left} s`);
  report(error, ['Give up', hush]);
  tell();
  countdown = setInterval(() => {
    left -= 1;
    if (left > 0) {
      tell();
    } else {
      hush();
      again();
    }
  }, 1000);
}

/** Images show how they grew: each partial one is a frame on the film, the last frame is the image. */
async function generateImages(all) {
  for (let i = 0; i < all.length; i++) {
    const fields = all[i];
    const { id, width, height } = model(fields.model);
    const now = Math.floor(Date.now() / 1000);
    const it = take({
      began: performance.now(),
      abort: new AbortController(),
      video: {
        id: `image_${now}_${Math.random().toString(36).slice(2)}`,
        status: 'in_progress',
        progress: 0,
        created_at: now,
        model: id,
        prompt: fields.prompt,
        class_label: fields.prompt,
        seed: fields.seed ?? Math.floor(Math.random() * 2 ** 31),
        size: `${width}x${height}`,
        num_frames: 1,
        fps: 0,
        extra_params: fields.extra_params ?? {},
      },
    });
    screen.open({ width, height, frames: PARTIAL_IMAGES + 1, fps: 2, name: fields.prompt });
    screen.leader('', 'Making the first block');
    const request = { ...fields, seed: it.video.seed, partial_images: PARTIAL_IMAGES };
    try {
      for await (const event of imageEvents(request, it.abort.signal)) {
        const image = new Blob([Uint8Array.from(atob(event.b64_json), (c) => c.charCodeAt(0))]);
        const bitmap = await createImageBitmap(image);
        if (current !== it) {
          it.abort.abort();
          return;
        }
        first(it);
        screen.put(screen.frames.length, bitmap);
        screen.progress(screen.frames.length, PARTIAL_IMAGES + 1);
        screen.seek(screen.frames.length - 1);
        if (event.type === 'image_generation.completed') {
          it.blob = image;
          it.video.status = 'completed';
          it.video.local = image;
          it.video.inference_time_s = (performance.now() - it.began) / 1000;
          screen.finish();
          gallery.put(it.video);
        }
        facts();
      }
    } catch (e) {
      if (current === it && e.name !== 'AbortError') {
        it.video.status = 'failed';
        screen.abort();
        refused(e, () => generateImages(all.slice(i)));
      }
      return;
    } finally {
      buttons();
    }
  }
}

// ---- The clip on the screen ----

/** Puts a clip in the place of the one that is there. */
function take(next) {
  current?.watch?.close();
  current?.abort?.abort();
  current = next;
  history.replaceState(null, '', next.video.id.startsWith('video_') ? `#${next.video.id}` : ' ');
  gallery.mark(next.video.id);
  buttons();
  facts();
  return next;
}

async function openId(id) {
  try {
    open(await getVideo(id));
  } catch (e) {
    if (e.status === 401) {
      keyRefused();
    } else {
      history.replaceState(null, '', ' ');
      report(e);
    }
  }
}

/** Shows a clip, finished or not. */
function open(video, began = null) {
  const it = take({ video, began });
  const [width, height] = video.size.split('x').map(Number);
  const name = video.class_label ?? video.prompt;
  screen.open({ width, height, frames: video.num_frames, fps: video.fps, name });
  if (video.local) {
    it.blob = video.local;
    createImageBitmap(video.local).then((bitmap) => finish(it, [bitmap]));
  } else if (video.status === 'completed') {
    sharpen(it);
  } else if (video.status === 'failed') {
    failed(it, video.error);
  } else {
    watch(it);
  }
}

function watch(it) {
  const video = it.video;
  // Pictures are decoded one after the other, so that they arrive in order.
  let decoding = Promise.resolve();
  screen.leader('', 'Waiting for the server');
  it.watch = new Watch(video.id, {
    connection,
    queued(position, depth) {
      it.video = { ...it.video, status: 'queued', queue_position: position };
      screen.leader(String(position), depth > 1 ? `Number ${position} of ${depth} in the queue` : 'Next in the queue');
      say(`Waiting, number ${position}`);
      facts();
    },
    started(config) {
      it.video = { ...it.video, status: 'in_progress', queue_position: null, seed: config.seed };
      screen.leader('', 'Making the first frame');
      say('Generating');
      facts();
    },
    progress(done, total) {
      it.video = { ...it.video, status: 'in_progress', blocks_done: done, blocks_total: total, progress: Math.round((100 * done) / total) };
      screen.progress(done, total);
      gallery.put(it.video);
      facts();
    },
    frame(number, blob) {
      decoding = decoding.then(async () => {
        if (current !== it || number < screen.frames.length) {
          return;
        }
        const bitmap = await createImageBitmap(blob);
        if (current !== it) {
          bitmap.close();
          return;
        }
        first(it);
        screen.put(number, bitmap);
        it.lastFrame = performance.now();
        facts();
      });
    },
    done(finished) {
      decoding.then(async () => {
        it.video = finished ?? (await getVideo(video.id).catch(() => it.video));
        gallery.put(it.video);
        if (current === it) {
          say(`Finished: ${it.video.class_label ?? it.video.prompt}`);
          sharpen(it);
        }
      });
    },
    failed(error) {
      decoding.then(() => current === it && failed(it, error));
    },
  });
}

function first(it) {
  if (it.began !== null && it.firstFrame === undefined) {
    it.firstFrame = (performance.now() - it.began) / 1000;
  }
}

/** Takes the frames without loss in the place of those that came live. */
async function sharpen(it) {
  buttons();
  facts();
  if (!screen.frames.length) {
    screen.leader('', 'Fetching the clip');
  }
  let frames;
  try {
    frames = await framesOf(it.video);
  } catch (e) {
    if (current === it) {
      if (screen.frames.length === it.video.num_frames) {
        screen.finish();
      } else {
        screen.abort();
        report(e, ['Try again', () => open(it.video)]);
      }
    }
    return;
  }
  if (current === it) {
    finish(it, frames);
  } else {
    frames.forEach((frame) => frame.close());
  }
}

function finish(it, frames) {
  if (current !== it) {
    return;
  }
  frames.forEach((frame, i) => screen.put(i, frame));
  screen.finish();
  buttons();
  facts();
}

function failed(it, error) {
  const made = screen.frames.length;
  it.video = { ...it.video, status: 'failed', error };
  gallery.put(it.video);
  screen.abort();
  buttons();
  facts();
  if (error.code === 'cancelled') {
    $('facts').textContent = made ? `Cancelled after ${made} of ${it.video.num_frames} frames.` : 'Cancelled.';
    say('Cancelled');
  } else {
    report(error, ['Generate again', () => again(it.video)]);
  }
  gallery.refresh();
}

/** The same clip once more. */
function again(video) {
  hush();
  const fields = { model: video.model, prompt: video.prompt, seed: video.seed };
  const own = model(video.model);
  const changed = Object.entries(video.extra_params ?? {}).filter(
    ([name, value]) => own?.options.includes(name) && value !== own.defaults[name],
  );
  if (changed.length) {
    fields.extra_params = Object.fromEntries(changed);
  }
  generate([fields], true);
}

/** Which buttons make sense for what is on the screen. */
function buttons() {
  const status = current?.video.status;
  document.body.classList.toggle('making', status === 'queued' || status === 'in_progress');
  const done = status === 'completed';
  const image = Boolean(current?.blob) || current?.video.num_frames === 1;
  $('cancel-button').hidden = status !== 'queued' && status !== 'in_progress';
  $('download-button').hidden = !done;
  $('download-word').textContent = image ? 'PNG' : 'MP4';
  $('sheet-button').hidden = !done || image;
  $('share-button').hidden = !done || Boolean(current.blob);
}

/** Says in words, and in the title, how the clip on the screen is and was made. */
function facts() {
  const it = current;
  const video = it?.video;
  document.title = video?.status === 'in_progress' && video.blocks_total ? `${video.progress} % ${TITLE}` : TITLE;
  if (!it) {
    $('facts').textContent = '';
    return;
  }
  const words = [video.class_label ?? video.prompt];
  if (video.seed !== undefined) {
    words.push(`seed ${video.seed}`);
  }
  const firstFrame = it.firstFrame ?? video.time_to_first_frame_s;
  if (firstFrame) {
    words.push(`first frame after ${firstFrame.toFixed(2)} s`);
  }
  if (video.status === 'in_progress' && video.blocks_total) {
    words.push(`block ${video.blocks_done} of ${video.blocks_total}`);
  }
  if (video.status === 'completed' && video.inference_time_s) {
    words.push(`made in ${video.inference_time_s.toFixed(1)} s`);
    const length = video.fps ? video.num_frames / video.fps : 0;
    if (length > 1.05 * video.inference_time_s) {
      words.push(`${(length / video.inference_time_s).toFixed(1)} times faster than it plays`);
    }
  }
  $('facts').textContent = words.join(' · ');
}

$('cancel-button').addEventListener('click', () => remove(current.video));

$('download-button').addEventListener('click', async () => {
  const { video, blob } = current;
  if (blob) {
    save(blob, `${fileName(video)}.png`);
  } else {
    download(video, 'video', 'mp4');
  }
});
$('sheet-button').addEventListener('click', () => download(current.video, 'spritesheet', 'png'));

async function download(video, variant, ending) {
  try {
    save(await content(video.id, variant), `${fileName(video)}.${ending}`);
  } catch (e) {
    report(e);
  }
}

$('share-button').addEventListener('click', async () => {
  const link = location.href;
  try {
    await navigator.clipboard.writeText(link);
    say('Link copied');
    flash($('share-button'));
  } catch {
    report(new ApiError(0, { message: 'This browser does not let the page copy.', code: 'clipboard' }), null, link);
  }
});

function flash(element) {
  element.classList.add('flash');
  setTimeout(() => element.classList.remove('flash'), 900);
}

/** Cancels or deletes. */
async function remove(video) {
  if (current?.video.id === video.id && current.abort && video.status !== 'completed') {
    current.abort.abort();
    failed(current, { code: 'cancelled', message: 'cancelled' });
    return;
  }
  const running = video.status === 'queued' || video.status === 'in_progress';
  try {
    if (!video.local) {
      if (running && current?.video.id === video.id) {
        $('cancel-button').disabled = true;
      }
      await deleteVideo(video.id);
    }
  } catch (e) {
    if (e.status !== 404) {
      report(e);
      return;
    }
  } finally {
    $('cancel-button').disabled = false;
  }
  gallery.drop(video.id);
  if (current?.video.id !== video.id) {
    return;
  }
  current.watch?.close();
  if (running) {
    const made = screen.frames.length;
    current.video = { ...current.video, status: 'failed', error: { code: 'cancelled' } };
    screen.abort();
    buttons();
    facts();
    $('facts').textContent = made ? `Cancelled after ${made} of ${video.num_frames} frames.` : 'Cancelled.';
    say('Cancelled');
  } else {
    current = null;
    screen.clear();
    buttons();
    facts();
    say('Deleted');
  }
  history.replaceState(null, '', ' ');
}

/** Puts the settings of a clip on the desk. */
function reuse(video) {
  if (known.some((one) => one.id === video.model)) {
    $('model').value = video.model;
    showModel();
  }
  picker.pick(video.class_label ?? video.prompt);
  $('seed').value = video.seed ?? '';
  seed();
  options.set(video.extra_params);
  $('desk').scrollIntoView({ block: 'nearest', behavior: calm() ? 'auto' : 'smooth' });
  flash($('desk'));
  $('generate').focus({ preventScroll: true });
}

// ---- Words for the user ----

let countdown = 0;

function hush() {
  clearInterval(countdown);
  $('notice').hidden = true;
}

/** Shows what went wrong, with a thing to do about it. */
function report(error, action = null, more = '') {
  clearInterval(countdown);
  $('notice-wait').textContent = '';
  $('notice-text').textContent = sentence(error.message);
  const details = [error.code, error.param && `field ${error.param}`, error.requestId && `request ${error.requestId}`, more];
  $('notice-detail').textContent = details.filter(Boolean).join(' · ');
  const button = $('notice-action');
  button.hidden = !action;
  if (action) {
    button.textContent = action[0];
    button.onclick = () => {
      hush();
      action[1]();
    };
  }
  $('notice').hidden = false;
}

function sentence(text) {
  const line = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

$('notice-close').addEventListener('click', hush);

/** For screen readers only. */
function say(text) {
  $('spoken').textContent = text;
}

function connection(up, why = 'Connection lost, trying again') {
  const box = $('link-state');
  const text = up ? '' : why;
  if (box.textContent !== text) {
    box.textContent = text;
    box.hidden = up;
  }
}

// ---- The key ----

/** The server wants a key, or another one. */
function keyRefused() {
  $('key-refused').hidden = !apiKey();
  askKey();
}

function askKey() {
  $('key-button').hidden = false;
  if (!$('key-dialog').open) {
    $('key-dialog').showModal();
  }
}

$('key-button').addEventListener('click', () => {
  $('key-refused').hidden = true;
  askKey();
});
$('key-cancel').addEventListener('click', () => $('key-dialog').close());
$('key-form').addEventListener('submit', () => {
  setApiKey($('key-input').value.trim());
  $('key-input').value = '';
  start();
});
addEventListener('hashchange', () => {
  const id = location.hash.slice(1);
  if (id.startsWith('video_') && id !== current?.video.id) {
    openId(id);
  }
});

start();
