import { content, videos } from './api.js';
import { framesOf } from './clip.js';
import { movePicture, symbol } from './pixels.js';
import { calm } from './screen.js';

const PAGE = 12;
/** What the server lists at once, and all that is kept here. */
const MOST = 100;
const SOON = 1500;
const LATER = 20_000;

/**
 * The clips of the server, newest first. Unfinished ones show how far they are.
 *
 * Actions: open(video), reuse(video), remove(video), failed(error).
 */
export class Gallery {
  constructor(actions) {
    this.actions = actions;
    this.list = document.getElementById('cards');
    this.cards = new Map();
    this.more = document.getElementById('older');
    this.more.addEventListener('click', () => this.older());
    this.visible = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) {
          this.visible.unobserve(entry.target);
          entry.target.card.picture();
        }
      }
    }, { rootMargin: '200px' });
    document.addEventListener('visibilitychange', () => !document.hidden && this.refresh());
    // Ages grow old.
    setInterval(() => this.cards.forEach((card) => card.tellAge()), 30_000);
  }

  /** Asks the server for the newest clips, as many as are here and some more, and again later. */
  async refresh(more = 0) {
    clearTimeout(this.timer);
    const asked = Date.now();
    const limit = Math.min(Math.max(PAGE, this.cards.size + more), MOST);
    try {
      const page = await videos(limit);
      this.merge(page, asked);
      this.more.hidden = !page.has_more || limit === MOST;
    } catch (e) {
      this.actions.failed(e);
    }
    const busy = [...this.cards.values()].some((card) => unfinished(card.video));
    clearTimeout(this.timer);
    if (!document.hidden) {
      this.timer = setTimeout(() => this.refresh(), busy ? SOON : LATER);
    }
  }

  /** What is not on the page is gone, unless it came here after the page was asked for. */
  merge(page, asked) {
    const ids = new Set(page.data.map((video) => video.id));
    for (const [id, card] of this.cards) {
      if (!ids.has(id) && !card.video.local && card.added <= asked) {
        this.drop(id);
      }
    }
    for (const video of [...page.data].reverse()) {
      this.put(video);
    }
    this.tellEmpty();
  }

  async older() {
    this.more.disabled = true;
    await this.refresh(PAGE);
    this.more.disabled = false;
  }

  /** Adds a clip, or shows what is new about it. */
  put(video) {
    let card = this.cards.get(video.id);
    if (card) {
      card.update(video);
      return;
    }
    card = new Card(video, this.actions, this.visible);
    this.cards.set(video.id, card);
    const after = [...this.list.children].find((item) => older(item.card.video, video));
    this.list.insertBefore(card.root, after ?? null);
    if (this.cards.size > MOST) {
      this.drop(this.list.lastElementChild.card.video.id);
    }
    this.tellEmpty();
  }

  drop(id) {
    const card = this.cards.get(id);
    if (card) {
      const next = card.root.nextElementSibling ?? card.root.previousElementSibling;
      if (card.root.contains(document.activeElement)) {
        next?.querySelector('button')?.focus();
      }
      card.close();
      this.cards.delete(id);
      this.tellEmpty();
    }
  }

  /** The newest finished clip, if any. */
  newest() {
    return [...this.list.children].map((item) => item.card.video).find((v) => v.status === 'completed');
  }

  /** Marks the clip that is on the screen. */
  mark(id) {
    for (const card of this.cards.values()) {
      card.root.classList.toggle('shown', card.video.id === id);
    }
    this.marked = id;
  }

  tellEmpty() {
    document.getElementById('archive-empty').hidden = this.cards.size > 0;
    this.mark(this.marked);
  }
}

// Ids are in the order of time; created_at counts whole seconds only.
function older(a, b) {
  return a.created_at === b.created_at ? a.id < b.id : a.created_at < b.created_at;
}

function unfinished(video) {
  return video.status === 'queued' || video.status === 'in_progress';
}

class Card {
  constructor(video, actions, visible) {
    this.video = video;
    this.added = Date.now();
    this.visible = visible;
    this.root = document.createElement('li');
    this.root.className = 'card';
    this.root.card = this;

    this.open = document.createElement('button');
    this.open.type = 'button';
    this.open.className = 'card-open';
    this.canvas = document.createElement('canvas');
    this.canvas.setAttribute('aria-hidden', 'true');
    this.badge = document.createElement('span');
    this.badge.className = 'badge';
    this.open.append(this.canvas, this.badge);
    this.age = document.createElement('span');
    this.age.className = 'small';
    this.open.addEventListener('click', () => actions.open(this.video));
    this.open.addEventListener('pointerenter', (e) => e.pointerType === 'mouse' && this.move());
    this.open.addEventListener('pointerleave', () => this.rest());
    this.open.addEventListener('focus', () => this.open.matches(':focus-visible') && this.move());
    this.open.addEventListener('blur', () => this.rest());

    this.name = document.createElement('b');
    const words = document.createElement('div');
    words.className = 'card-words';
    words.append(this.name, this.age);
    this.again = button('again', 'Use these settings again', () => actions.reuse(this.video));
    this.remove = button('trash', 'Delete', () => actions.remove(this.video));
    const tools = document.createElement('div');
    tools.className = 'card-tools';
    tools.append(this.again, this.remove);
    this.root.append(this.open, tools, words);
    this.placeholder(video.class_label ?? video.prompt);
    this.update(video);
  }

  update(video) {
    const before = this.drawn;
    this.video = video;
    const name = video.class_label ?? video.prompt;
    this.name.textContent = name;
    this.root.classList.toggle('failed', video.status === 'failed');
    this.root.classList.toggle('busy', unfinished(video));
    this.badge.hidden = video.status === 'completed';
    this.badge.textContent = stateWords(video);
    this.root.style.setProperty('--done', `${video.progress}%`);
    const act = unfinished(video) ? 'Cancel' : 'Delete';
    this.remove.title = act;
    this.remove.setAttribute('aria-label', `${act} ${name}`);
    this.again.setAttribute('aria-label', `Use the settings of ${name} again`);
    this.tellAge();
    if (video.status === 'completed' && before !== 'picture' && this.drawn !== 'asked') {
      this.drawn = 'asked';
      this.visible.observe(this.root);
    }
  }

  tellAge() {
    const video = this.video;
    const age = ago(video.created_at);
    this.age.textContent = video.seed === undefined ? age : `seed ${video.seed}\n${age}`;
    this.open.setAttribute(
      'aria-label',
      `${video.status === 'completed' ? 'Show' : stateWords(video) + ':'} ${this.name.textContent}, ${this.age.textContent}`,
    );
  }

  /** Something to look at until there is a picture. */
  placeholder(name) {
    const picture = movePicture(name.split('-')[0]);
    if (picture) {
      picture.classList.add('card-sign');
      this.open.prepend(picture);
    }
  }

  async picture() {
    try {
      const blob = this.video.local ?? (await content(this.video.id, 'thumbnail'));
      const bitmap = await createImageBitmap(blob);
      this.canvas.width = bitmap.width;
      this.canvas.height = bitmap.height;
      this.canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      this.drawn = 'picture';
      this.open.querySelector('.card-sign')?.remove();
    } catch {
      // It may have expired in between; the next refresh knows.
      this.drawn = null;
    }
  }

  /** Plays in the card. */
  async move() {
    if (calm() || this.motion || this.video.status !== 'completed' || this.video.num_frames < 2) {
      return;
    }
    const motion = Symbol();
    this.motion = motion;
    let frames;
    try {
      frames = await framesOf(this.video);
    } catch {
      // It may have expired in between; the next refresh knows.
      if (this.motion === motion) {
        this.rest();
      }
      return;
    }
    const pen = this.canvas.getContext('2d');
    const began = performance.now();
    const tick = (now) => {
      if (this.motion !== motion) {
        frames.forEach((frame) => frame.close());
        return;
      }
      const frame = Math.floor(((now - began) / 1000) * this.video.fps) % frames.length;
      pen.drawImage(frames[Math.max(0, frame)], 0, 0, this.canvas.width, this.canvas.height);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  rest() {
    this.motion = null;
  }

  close() {
    this.rest();
    this.visible.unobserve(this.root);
    this.root.remove();
  }
}

function button(name, label, act) {
  const one = document.createElement('button');
  one.type = 'button';
  one.className = 'icon';
  one.title = label;
  one.setAttribute('aria-label', label);
  one.append(symbol(name));
  one.addEventListener('click', act);
  return one;
}

function stateWords(video) {
  switch (video.status) {
    case 'queued':
      return video.queue_position ? `Waiting, number ${video.queue_position}` : 'Waiting';
    case 'in_progress':
      return `${video.progress} %`;
    case 'failed':
      return video.error?.code === 'cancelled' ? 'Cancelled' : 'Failed';
    default:
      return '';
  }
}

function ago(seconds) {
  const past = Math.max(0, Date.now() / 1000 - seconds);
  if (past < 60) {
    return 'just now';
  }
  if (past < 3600) {
    return `${Math.floor(past / 60)} min ago`;
  }
  return past < 86_400 ? `${Math.floor(past / 3600)} h ago` : `${Math.floor(past / 86_400)} d ago`;
}
