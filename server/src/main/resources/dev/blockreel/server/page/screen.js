import { symbol } from './pixels.js';

const $ = (id) => document.getElementById(id);
const still = matchMedia('(prefers-reduced-motion: reduce)');

/** Most pictures on the film strip; longer clips show every second, third … frame there. */
const MOST_CELLS = 24;

/**
 * The screen, the film strip under it, and the buttons that play. A clip may grow while it plays:
 * the playhead waits at the newest frame and goes on when there is another.
 */
export class Screen {
  constructor() {
    this.canvas = $('canvas');
    this.pen = this.canvas.getContext('2d');
    this.strip = $('strip');
    this.film = $('film');
    this.loop = true;
    this.frames = [];
    this.clear();

    $('play-button').addEventListener('click', () => this.toggle());
    $('loop-button').addEventListener('click', () => {
      this.loop = !this.loop;
      $('loop-button').setAttribute('aria-pressed', String(this.loop));
    });
    this.film.addEventListener('keydown', (e) => this.key(e));
    this.film.addEventListener('pointerdown', (e) => this.scrub(e));
    document.addEventListener('keydown', (e) => {
      const free = !e.target.closest('button, input, select, textarea, summary, a, dialog, label');
      if (e.key === ' ' && free && !e.defaultPrevented && this.frames.length) {
        e.preventDefault();
        this.toggle();
      }
    });
    new ResizeObserver(() => this.drawStrip()).observe(this.film);
  }

  /** An empty screen. */
  clear() {
    this.frames.forEach((frame) => frame.close());
    this.frames = [];
    this.total = 0;
    this.fps = 8;
    this.blocks = [0, 0];
    this.blocksAtFrame = 0;
    this.complete = false;
    this.playing = false;
    this.position = 0;
    this.shown = -1;
    $('empty').hidden = false;
    this.leader(null);
    this.canvas.hidden = true;
    this.canvas.setAttribute('aria-label', 'Nothing on the screen yet');
    this.update();
    this.drawStrip();
  }

  /** A clip of which nothing is there yet. */
  open({ width, height, frames, fps, name }) {
    this.clear();
    $('empty').hidden = true;
    this.canvas.width = width;
    this.canvas.height = height;
    // The shape of the stage follows the clip.
    $('screen').style.setProperty('--ratio', String(width / height));
    this.canvas.setAttribute('aria-label', `Generated clip: ${name}`);
    this.total = frames;
    this.fps = fps || 8;
    this.playing = true;
    this.update();
    this.drawStrip();
  }

  /** The countdown that is seen before the first frame: a number and a line; null takes it away. */
  leader(number, text) {
    const shown = number !== null && this.frames.length === 0;
    $('leader').hidden = !shown;
    if (shown) {
      $('leader-number').textContent = number;
      $('leader-text').textContent = text;
    }
  }

  progress(done, total) {
    this.blocks = [done, total];
    this.drawStrip();
  }

  /** Frames come in order; one that is there already is replaced. */
  put(number, bitmap) {
    if (number > this.frames.length) {
      bitmap.close();
      return;
    }
    const first = this.frames.length === 0;
    if (number === this.frames.length) {
      this.blocksAtFrame = this.blocks[0];
    }
    this.frames[number]?.close();
    this.frames[number] = bitmap;
    this.total = Math.max(this.total, this.frames.length);
    if (first) {
      this.leader(null);
      this.canvas.hidden = false;
      this.position = 0;
      this.run();
    }
    if (number === this.shown) {
      this.shown = -1;
    }
    this.show();
    this.drawStrip();
    this.update();
  }

  /** All frames are there. */
  finish() {
    this.complete = true;
    this.total = this.frames.length;
    this.blocks = [1, 1];
    this.drawStrip();
    this.update();
  }

  /** No more frames come, though some are missing. */
  abort() {
    this.complete = true;
    this.leader(null);
    if (!this.frames.length) {
      this.clear();
      return;
    }
    this.update();
    this.drawStrip();
  }

  toggle() {
    if (!this.frames.length) {
      return;
    }
    this.playing = !this.playing;
    if (this.playing && this.complete && this.position >= this.frames.length - 1) {
      this.position = 0;
    }
    this.update();
    this.run();
  }

  seek(frame) {
    this.playing = false;
    this.position = Math.max(0, Math.min(this.frames.length - 1, frame));
    this.show();
    this.update();
  }

  run() {
    if (this.running || !this.playing) {
      return;
    }
    this.running = true;
    let before = performance.now();
    const tick = (now) => {
      if (!this.playing || !this.frames.length) {
        this.running = false;
        return;
      }
      const speed = Number($('speed').value);
      // A tab that was away does not race through what it missed.
      this.position += (Math.min(now - before, 250) / 1000) * this.fps * speed;
      before = now;
      const end = this.frames.length;
      if (this.position >= end) {
        if (!this.complete) {
          this.position = end - 0.001;
        } else if (this.loop) {
          this.position %= end;
        } else {
          this.position = end - 1;
          this.playing = false;
          this.update();
        }
      }
      this.show();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  show() {
    const frame = Math.min(Math.floor(this.position), this.frames.length - 1);
    if (frame < 0 || frame === this.shown) {
      return;
    }
    this.shown = frame;
    this.pen.drawImage(this.frames[frame], 0, 0, this.canvas.width, this.canvas.height);
    this.placeHead();
    $('counter').textContent = `${frame + 1} / ${this.total}`;
    this.film.setAttribute('aria-valuenow', String(frame + 1));
    this.film.setAttribute('aria-valuetext', `Frame ${frame + 1} of ${this.total}`);
  }

  placeHead() {
    const head = $('playhead');
    head.hidden = !this.frames.length || this.total < 2;
    head.style.setProperty('--at', String((this.shown + 0.5) / Math.max(1, this.total)));
  }

  update() {
    const some = this.frames.length > 0;
    const button = $('play-button');
    button.disabled = !some || this.total < 2;
    button.replaceChildren(symbol(this.playing && some ? 'pause' : 'play'));
    button.setAttribute('aria-label', this.playing && some ? 'Pause' : 'Play');
    this.film.setAttribute('aria-disabled', String(!some));
    this.film.setAttribute('aria-valuemax', String(Math.max(1, this.total)));
    if (!some) {
      $('counter').textContent = this.total ? `0 / ${this.total}` : '';
      this.film.setAttribute('aria-valuetext', 'No clip');
    }
    this.placeHead();
  }

  key(e) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 4, PageDown: -4 };
    if (!this.frames.length || e.ctrlKey || e.metaKey || e.altKey) {
      return;
    }
    if (e.key in steps) {
      this.seek(Math.floor(this.position) + steps[e.key]);
    } else if (e.key === 'Home') {
      this.seek(0);
    } else if (e.key === 'End') {
      this.seek(this.frames.length - 1);
    } else {
      return;
    }
    e.preventDefault();
  }

  scrub(e) {
    if (!this.frames.length || e.button !== 0) {
      return;
    }
    const to = (event) => {
      const box = this.strip.getBoundingClientRect();
      this.seek(Math.floor(((event.clientX - box.left) / box.width) * this.total));
    };
    this.film.setPointerCapture(e.pointerId);
    const end = () => {
      this.film.removeEventListener('pointermove', to);
      this.film.removeEventListener('pointerup', end);
      this.film.removeEventListener('pointercancel', end);
    };
    this.film.addEventListener('pointermove', to);
    this.film.addEventListener('pointerup', end);
    this.film.addEventListener('pointercancel', end);
    to(e);
  }

  /** How much of the next frame is done, were all missing frames the same work. */
  partOfNext() {
    const [done, all] = this.blocks;
    const left = (all - this.blocksAtFrame) / Math.max(1, this.total - this.frames.length);
    return Math.min(1, Math.max(0.06, (done - this.blocksAtFrame) / Math.max(1, left)));
  }

  /** Draws the film: holes on both edges, lit as far as the clip is done, pictures between them. */
  drawStrip() {
    const box = this.film.getBoundingClientRect();
    const dots = devicePixelRatio || 1;
    const width = Math.round(box.width * dots);
    const height = Math.round(box.height * dots);
    if (!width || !height) {
      return;
    }
    if (this.strip.width !== width || this.strip.height !== height) {
      this.strip.width = width;
      this.strip.height = height;
    }
    const pen = this.strip.getContext('2d');
    pen.fillStyle = '#1b1a1d';
    pen.fillRect(0, 0, width, height);

    const edge = Math.round(11 * dots);
    const hole = Math.round(5 * dots);
    const pitch = 12 * dots;
    const holes = Math.floor(width / pitch);
    // Frames are not all the same number of blocks: the first one may be most of them.
    const busy = !this.complete && this.blocks[1] > 0;
    const part = busy ? this.partOfNext() : 0;
    const lit = this.total ? Math.round((holes * (this.frames.length + part)) / this.total) : 0;
    for (let i = 0; i < holes; i++) {
      pen.fillStyle = i < lit ? '#ffb400' : '#4a484f';
      const x = Math.round(i * pitch + (width - holes * pitch + pitch - hole) / 2);
      pen.fillRect(x, Math.round(3 * dots), hole, hole);
      pen.fillRect(x, height - Math.round(3 * dots) - hole, hole, hole);
    }

    const cells = Math.min(this.total || 17, MOST_CELLS);
    const room = width / cells;
    const gap = Math.max(1, Math.round(1.5 * dots));
    pen.imageSmoothingEnabled = false;
    const next = busy ? Math.floor((cells * this.frames.length) / this.total) : -1;
    for (let i = 0; i < cells; i++) {
      const left = Math.round(i * room) + gap;
      const w = Math.round((i + 1) * room) - gap - left;
      const h = height - 2 * edge;
      const frame = this.frames[Math.floor((i * (this.total || 17)) / cells)];
      pen.fillStyle = '#2b2a2f';
      pen.fillRect(left, edge, w, h);
      if (frame) {
        // As high as the cell; what is too wide is cut off on both sides.
        const scale = h / frame.height;
        const dw = Math.min(w, frame.width * scale);
        const sw = dw / scale;
        pen.drawImage(frame, (frame.width - sw) / 2, 0, sw, frame.height, left + (w - dw) / 2, edge, dw, h);
      } else if (i === next) {
        pen.fillStyle = '#ffb40055';
        pen.fillRect(left, edge, w, Math.round(h * part));
      }
    }
  }
}

/** Whether things may move that nobody started. */
export function calm() {
  return still.matches;
}
