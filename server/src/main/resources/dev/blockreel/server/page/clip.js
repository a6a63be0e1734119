import { content } from './api.js';

const GAP = 1;

/** The frames of a finished clip without loss, cut from its sprite sheet. */
export async function framesOf(video) {
  const blob = await content(video.id, 'spritesheet');
  const count = video.num_frames;
  if (count === 1) {
    return [await createImageBitmap(blob)];
  }
  const [width, height] = video.size.split('x').map(Number);
  const columns = Math.ceil(Math.sqrt(count));
  const sheet = await createImageBitmap(blob);
  try {
    return await Promise.all(
      Array.from({ length: count }, (_, i) =>
        createImageBitmap(
          sheet,
          (i % columns) * (width + GAP),
          Math.floor(i / columns) * (height + GAP),
          width,
          height,
        ),
      ),
    );
  } finally {
    sheet.close();
  }
}

/** Hands a file to the browser's downloads. */
export function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function fileName(video) {
  const what = (video.class_label ?? video.prompt).replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 60);
  return video.seed === undefined ? what : `${what}_seed${video.seed}`;
}
