package dev.blockreel.media;

import static dev.blockreel.media.FfmpegLibrary.media;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * Reads clips: any self-contained video or image file that FFmpeg decodes, told by its content and
 * not by its name, folders of images in the order of their names, and {@code .safetensors} ({@link
 * ClipTensors}). Frames are decoded one by one and shrunk at once, so a long film costs no more
 * memory than the clip that is taken from it.
 */
public final class ClipReader {
  /** Frames with more pixels than this are refused before they are decoded. */
  public static final int MAX_FRAME_PIXELS = 1 << 26;

  /** Files with more frames than this are refused. */
  public static final int MAX_FRAMES = 1_000_000;

  /** Clips of more values (3·T·H·W) than this are refused: 2 GiB as floats. */
  public static final int MAX_CLIP_VALUES = 1 << 29;

  /** The rate given to what has none: images and folders. */
  public static final double DEFAULT_FPS = 8;

  /** Ending of the files that hold clips as tensors; they have no mark that could be told. */
  static final String TENSORS = "safetensors";

  private ClipReader() {}

  /**
   * Reads a clip.
   *
   * @param path a video, an image, a folder of images (png, jpg, webp, bmp), or tensors
   * @param sampling which frames, at which size
   * @return the clip; its rate is that of the sampling where that is lower, else the file's
   * @throws EngineFailure MEDIA when the file is missing, empty, no video, damaged, too large or,
   *     unless the sampling pads, too short
   */
  public static Clip read(Path path, ClipSampling sampling) {
    requireReadable(path);
    if (Files.isDirectory(path)) {
      return readFolder(path, sampling);
    }
    if (VideoFormat.ending(path).equals(TENSORS)) {
      try (TensorFile file = Safetensors.open(path)) {
        return ClipTensors.read(file, sampling);
      }
    }
    int length;
    double fps;
    try (VideoDecoder counter = new VideoDecoder(path)) {
      length = counter.countFrames();
      fps = counter.info().fps();
    }
    return readFrames(path, sampling, length, fps);
  }

  /**
   * What a file says about itself, without decoding it.
   *
   * @throws EngineFailure MEDIA when it cannot be read
   */
  public static ClipInfo probe(Path path) {
    requireReadable(path);
    if (Files.isDirectory(path)) {
      List<Path> images = images(path);
      ClipInfo first = probe(images.get(0));
      return new ClipInfo(first.width(), first.height(), 0, images.size(), first.codec());
    }
    if (VideoFormat.ending(path).equals(TENSORS)) {
      try (TensorFile file = Safetensors.open(path)) {
        return ClipTensors.info(file);
      }
    }
    try (VideoDecoder decoder = new VideoDecoder(path)) {
      return decoder.info();
    }
  }

  /**
   * Fails where {@link #read} would fail for what a file says about itself, its length above all;
   * decodes nothing.
   *
   * @throws EngineFailure MEDIA when it cannot be read or, unless the sampling pads, is too short
   */
  public static void requireLength(Path path, ClipSampling sampling) {
    ClipInfo info = probe(path);
    int length = info.frames();
    if (length < 0) {
      try (VideoDecoder counter = new VideoDecoder(path)) {
        length = counter.countFrames();
      }
    }
    sampling.select(length, info.fps(), path.toString());
  }

  private static void requireReadable(Path path) {
    if (!Files.exists(path)) {
      throw media("%s does not exist", path);
    }
    if (!Files.isReadable(path)) {
      throw media("%s cannot be read: permission denied", path);
    }
    try {
      if (Files.isRegularFile(path) && Files.size(path) == 0) {
        throw media("%s is empty", path);
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "%s cannot be read", path);
    }
  }

  /**
   * @param length how many frames the container promises; a decoder may show fewer, which is
   *     noticed at the end and put right with a second run
   */
  private static Clip readFrames(Path path, ClipSampling sampling, int length, double fps) {
    if (length == 0) {
      throw media("%s has no frames", path);
    }
    int[] wanted = sampling.select(length, fps, path.toString());
    int frames = sampling.padShort() ? Math.max(sampling.frames(), wanted.length) : wanted.length;
    try (VideoDecoder decoder = new VideoDecoder(path);
        FrameShaper shaper = new FrameShaper(path, sampling, frames)) {
      for (int index = 0; shaper.filled() < wanted.length; index++) {
        AVFrame frame = decoder.next();
        if (frame == null) {
          return readFrames(path, sampling, index, fps);
        }
        if (index == wanted[shaper.filled()]) {
          shaper.add(frame);
        }
      }
      double rate = sampling.resultFps(fps);
      return shaper.clip(rate > 0 ? rate : fallbackFps(sampling));
    }
  }

  private static Clip readFolder(Path folder, ClipSampling sampling) {
    List<Path> images = images(folder);
    int[] wanted = sampling.select(images.size(), 0, folder.toString());
    int frames = sampling.padShort() ? Math.max(sampling.frames(), wanted.length) : wanted.length;
    try (FrameShaper shaper = new FrameShaper(folder, sampling, frames)) {
      for (int index : wanted) {
        try (VideoDecoder decoder = new VideoDecoder(images.get(index))) {
          AVFrame frame = decoder.next();
          if (frame == null) {
            throw media("%s has no frames", images.get(index));
          }
          shaper.add(frame);
        }
      }
      return shaper.clip(fallbackFps(sampling));
    }
  }

  static double fallbackFps(ClipSampling sampling) {
    return sampling.fps() > 0 ? sampling.fps() : DEFAULT_FPS;
  }

  /**
   * The number of values of a clip.
   *
   * @throws EngineFailure MEDIA when it is too large
   */
  static int clipValues(Path path, int frames, int height, int width) {
    long values = 3L * frames * height * width;
    if (values > MAX_CLIP_VALUES) {
      throw media(
          "%s is too large as a clip: %d frames of %dx%d; ask for fewer frames or a smaller size",
          path, frames, width, height);
    }
    return (int) values;
  }

  private static List<Path> images(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      List<Path> images = entries.filter(ClipReader::isImage).sorted().toList();
      if (images.isEmpty()) {
        throw media("the folder %s holds no png, jpg, webp or bmp images", folder);
      }
      return images;
    } catch (IOException e) {
      throw EngineFailure.media(e, "the folder %s cannot be read", folder);
    }
  }

  private static boolean isImage(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return !name.startsWith(".") && name.matches(".*\\.(png|jpe?g|webp|bmp)");
  }
}
