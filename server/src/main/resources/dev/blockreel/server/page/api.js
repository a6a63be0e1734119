/**
 * The HTTP interface of the server, as in openapi.yaml. Paths are relative to the page, so that it
 * also works behind a proxy that adds a prefix.
 */

/** What the server said instead of an answer; status 0 when it said nothing. */
export class ApiError extends Error {
  constructor(status, error, requestId, retryAfterMs) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.param = error.param ?? null;
    this.suggestions = error.suggestions ?? [];
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

const KEY = 'blockreel-key';
let key = null;
try {
  key = sessionStorage.getItem(KEY);
} catch {
  // Without storage the key lasts until the page is left.
}

export function apiKey() {
  return key;
}

export function setApiKey(value) {
  key = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // As above.
  }
}

export function address(path) {
  return new URL(path, document.baseURI);
}

async function call(path, { method = 'GET', body, signal } = {}) {
  const headers = {};
  if (key) {
    headers.Authorization = `Bearer ${key}`;
  }
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(address(path), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: 'no-cache',
    });
  } catch (e) {
    if (e.name === 'AbortError') {
      throw e;
    }
    throw new ApiError(0, { message: 'The server does not answer.', code: 'unreachable' }, null, 0);
  }
  if (response.ok) {
    return response;
  }
  let error;
  try {
    ({ error } = await response.json());
  } catch {
    // A proxy in between may answer with a page of its own.
  }
  error ??= { message: `The server answered with status ${response.status}.`, code: 'unknown' };
  throw new ApiError(
    response.status,
    error,
    response.headers.get('x-request-id'),
    retryAfter(response.headers),
  );
}

function retryAfter(headers) {
  const exact = Number(headers.get('retry-after-ms'));
  return exact > 0 ? exact : 1000 * (Number(headers.get('Retry-After')) || 0);
}

const video = (id) => `v1/videos/${encodeURIComponent(id)}`;

export async function models() {
  return (await (await call('v1/models')).json()).data;
}

export async function createVideo(fields) {
  return (await call('v1/videos', { method: 'POST', body: fields })).json();
}

export async function videos(limit) {
  return (await call(`v1/videos?limit=${limit}`)).json();
}

export async function getVideo(id) {
  return (await call(video(id))).json();
}

export async function deleteVideo(id) {
  return (await call(video(id), { method: 'DELETE' })).json();
}

/** The bytes of a finished clip. */
export async function content(id, variant) {
  return (await call(`${video(id)}/content?variant=${variant}`)).blob();
}

/** Events of an image that is being made: {type, b64_json, …} each. */
export async function* imageEvents(fields, signal) {
  const response = await call('v1/images/generations', {
    method: 'POST',
    body: { ...fields, stream: true },
    signal,
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      throw new ApiError(0, { message: 'The stream ended too early.', code: 'unreachable' }, null, 0);
    }
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events) {
      const lines = event.split('\n');
      const data = lines.find((line) => line.startsWith('data:'))?.slice(5).trim();
      if (data === '[DONE]') {
        return;
      }
      if (!data) {
        continue;
      }
      const json = JSON.parse(data);
      if (json.error) {
        throw new ApiError(500, json.error, response.headers.get('x-request-id'), 0);
      }
      yield json;
    }
  }
}
