import { address, apiKey, getVideo } from './api.js';

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const SILENCE = 20_000;

/**
 * Watches a clip that is being made, and goes on after the connection broke. The server sends every
 * frame from the first one on to whoever comes, so after a break frames come again; handlers get
 * each with its number. Where there is no way to a WebSocket, it asks now and then how far the clip is.
 *
 * Handlers: queued(position, depth), started(config), progress(done, total), frame(number, blob),
 * done(video), failed(error), connection(up, why). After done or failed nothing more comes.
 */
export class Watch {
  constructor(id, handlers) {
    this.id = id;
    this.handlers = handlers;
    this.pause = FIRST_PAUSE;
    this.over = false;
    this.open();
  }

  /** Stops looking; the clip goes on being made. */
  close() {
    this.over = true;
    clearTimeout(this.timer);
    clearInterval(this.pulse);
    this.socket?.close();
  }

  open() {
    const url = address('v1/realtime/video');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const key = apiKey();
    let socket;
    try {
      socket = new WebSocket(url, key ? ['realtime', `openai-insecure-api-key.${key}`] : ['realtime']);
    } catch {
      this.lost('No live frames: the key has characters that browsers do not send');
      return;
    }
    socket.binaryType = 'blob';
    this.socket = socket;
    let chunk = null;
    let heard = Date.now();
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'session.start', video_id: this.id, format: 'jpeg' }));
      this.handlers.connection(true);
      // A phone that slept, or a network that changed, closes no sockets: ask, and listen.
      this.pulse = setInterval(() => {
        if (Date.now() - heard > SILENCE) {
          socket.close();
        } else {
          socket.send(JSON.stringify({ type: 'session.ping' }));
        }
      }, SILENCE / 4);
    };
    socket.onmessage = ({ data }) => {
      if (this.over) {
        return;
      }
      heard = Date.now();
      this.pause = FIRST_PAUSE;
      if (typeof data !== 'string') {
        if (chunk?.kind === 'media') {
          this.handlers.frame(chunk.generation_chunk_index, new Blob([data], { type: 'image/jpeg' }));
        }
        return;
      }
      const message = JSON.parse(data);
      switch (message.type) {
        case 'queue_status':
          return this.handlers.queued(message.position, message.queue_depth);
        case 'video.start':
          return this.handlers.started(message.config);
        case 'video.progress':
          return this.handlers.progress(message.blocks_done, message.blocks_total);
        case 'video.chunk_metadata':
          chunk = message;
          return;
        case 'session.done':
          return this.end(message.video);
        case 'error':
          // What is retryable is followed by a close, and that leads back here.
          return message.retryable ? undefined : this.fail(message);
        default:
          return;
      }
    };
    socket.onclose = () => {
      clearInterval(this.pulse);
      if (!this.over) {
        this.lost();
      }
    };
  }

  lost(why) {
    this.handlers.connection(false, why);
    this.later();
  }

  later() {
    this.timer = setTimeout(() => this.again(), this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
  }

  /** What became of the clip while nobody looked. */
  async again() {
    let video;
    try {
      video = await getVideo(this.id);
    } catch (e) {
      if (this.over) {
        return;
      }
      if (e.status >= 400 && e.status < 500 && e.status !== 429) {
        this.fail(e);
      } else {
        this.later();
      }
      return;
    }
    if (this.over) {
      return;
    }
    if (video.status === 'completed') {
      this.end(video);
    } else if (video.status === 'failed') {
      this.fail(video.error);
    } else {
      if (video.status === 'in_progress') {
        this.handlers.progress(video.blocks_done, video.blocks_total);
      }
      this.open();
    }
  }

  end(video) {
    this.close();
    this.handlers.connection(true);
    this.handlers.done(video);
  }

  fail(error) {
    this.close();
    this.handlers.connection(true);
    this.handlers.failed(error);
  }
}
