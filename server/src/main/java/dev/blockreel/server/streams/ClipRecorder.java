package dev.blockreel.server.streams;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.media.FrameEncoder;
import dev.blockreel.media.VideoFormat;
import dev.blockreel.server.streams.LiveStream.Chunk;
import dev.blockreel.server.streams.LiveStream.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Encodes a clip while it is made: into the live streams, frame by frame, and into the files that
 * stay. Its encoders are open before the first frame exists. Closing before {@link #writeFiles}
 * leaves no file. For one thread at a time.
 */
public final class ClipRecorder implements AutoCloseable {
  /** The whole clip, to download. */
  public static final String VIDEO = "video.mp4";

  /** What live viewers were sent, for those who come later. */
  public static final String FRAGMENTS = "stream.mp4";

  /** The middle frame. */
  public static final String THUMBNAIL = "thumbnail.png";

  /** All frames, without loss. */
  public static final String SPRITESHEET = "spritesheet.png";

  private final LiveClip live;
  private final Path folder;
  private final double fps;
  private final ByteArrayOutputStream fragment = new ByteArrayOutputStream();
  private final List<Clip> frames = new ArrayList<>();
  private final FrameEncoder fragments;
  private final FrameEncoder video;
  private JpegImages images;
  private int sent;

  /**
   * Opens the encoders and makes the init chunk.
   *
   * @param live where the chunks go
   * @param folder where the files go; it exists
   * @param width of the frames in pixels
   * @param height of the frames in pixels
   * @param fps frames per second
   */
  public ClipRecorder(LiveClip live, Path folder, int width, int height, double fps) {
    this.live = live;
    this.folder = folder;
    this.fps = fps;
    this.fragments = FrameEncoder.open(fragment, VideoFormat.FRAGMENTED_MP4, width, height, fps);
    try {
      this.video = FrameEncoder.open(folder.resolve(VIDEO), VideoFormat.MP4, width, height, fps);
    } catch (RuntimeException e) {
      fragments.close();
      throw e;
    }
    try {
      sendInit();
    } catch (RuntimeException e) {
      fragments.close();
      video.close();
      throw e;
    }
  }

  /**
   * Encodes a black clip of two frames in every way that there is, in a temporary folder that it
   * removes.
   *
   * @throws IOException when the folder cannot be made or removed
   * @throws EngineFailure MEDIA when the clip cannot be written there
   */
  public static void warmUp(int width, int height, double fps) throws IOException {
    Path folder = Files.createTempDirectory("blockreel-warm-up");
    try {
      LiveClip live = new LiveClip();
      live.images();
      try (ClipRecorder recorder = new ClipRecorder(live, folder, width, height, fps)) {
        recorder.add(new Clip(new float[2 * 3 * width * height], 2, height, width, fps));
        recorder.endStreams();
        recorder.writeFiles();
      }
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private void sendInit() {
    byte[] init = fragment.toByteArray();
    if (init.length > 0) {
      fragment.reset();
      live.mimeType(CodecString.of(init));
      live.fragments().append(new Chunk(Kind.INIT, init, 0, 0));
    }
  }

  /** Adds the next frames. */
  public void add(Clip next) {
    for (int t = 0; t < next.frames(); t++) {
      Clip frame = next.frames() == 1 ? next : next.slice(t, t + 1);
      frames.add(new Clip(frame.pixels(), 1, frame.height(), frame.width(), fps));
      fragments.add(next, t);
      video.add(next, t);
      sendFragment(frames.size());
    }
    catchUp();
  }

  /** The muxer closes the fragment of a frame when it likes: what came out are whole fragments. */
  private void sendFragment(int encoded) {
    if (fragment.size() == 0) {
      return;
    }
    if (live.mimeType() == null) {
      sendInit();
      return;
    }
    live.fragments().append(new Chunk(Kind.MEDIA, fragment.toByteArray(), sent, encoded - sent));
    sent = encoded;
    fragment.reset();
  }

  /** Makes the images that somebody has begun to want; may be called between frames. */
  public void catchUp() {
    if (!live.imagesWanted()) {
      return;
    }
    if (images == null) {
      Clip first = frames.isEmpty() ? null : frames.get(0);
      if (first == null) {
        return;
      }
      images = new JpegImages(live.imagesAsTheyAre(), first.width(), first.height(), fps);
    }
    while (images.count() < frames.size()) {
      images.add(frames.get(images.count()));
    }
  }

  /** How many frames were added. */
  public int frames() {
    return frames.size();
  }

  /** No frame follows: sends what is pending and ends the live streams. */
  public void endStreams() {
    fragments.finish();
    byte[] rest = fragment.toByteArray();
    if (rest.length > 0) {
      live.fragments()
          .append(
              sent < frames.size()
                  ? new Chunk(Kind.MEDIA, rest, sent, frames.size() - sent)
                  : new Chunk(Kind.TRAILER, rest, frames.size(), 0));
    }
    catchUp();
    live.end();
  }

  /** Gives the files their names, once the streams have ended; the video's is the last one. */
  public void writeFiles() {
    writeFragments();
    Clip clip = Clip.join(frames);
    ClipWriter.write(folder.resolve(THUMBNAIL), frames.get(frames.size() / 2));
    ClipWriter.write(folder.resolve(SPRITESHEET), clip);
    video.finish();
  }

  private void writeFragments() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    live.fragments().chunks().forEach(chunk -> all.writeBytes(chunk.bytes()));
    try {
      // No part file: a folder without its record is swept away as a whole.
      Files.write(folder.resolve(FRAGMENTS), all.toByteArray());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", FRAGMENTS);
    }
  }

  /** Frees the encoders and ends the live streams. */
  @Override
  public void close() {
    live.end();
    fragments.close();
    video.close();
    if (images != null) {
      images.close();
    }
  }
}
