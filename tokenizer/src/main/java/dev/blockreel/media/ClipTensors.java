package dev.blockreel.media;

import static dev.blockreel.failure.EngineFailure.badRequest;
import static dev.blockreel.media.FfmpegLibrary.media;
import static org.bytedeco.opencv.global.opencv_core.CV_32FC1;

import dev.blockreel.checkpoint.Quoted;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Clips as a raw tensor: {@code video}, float32 (B, 3, T, H, W) in [0, 1], exact to the last bit.
 * The frame rate is the metadata entry {@code fps}.
 */
public final class ClipTensors {
  /** Name of the tensor. */
  public static final String VIDEO = "video";

  private static final String FPS = "fps";

  private ClipTensors() {}

  /**
   * Adds clips of one size and length to a file that is being put together.
   *
   * @param clips B clips, at least one
   * @return the writer
   */
  public static SafetensorsWriter add(SafetensorsWriter writer, List<Clip> clips) {
    if (clips.isEmpty()) {
      throw badRequest("a video tensor needs at least one clip");
    }
    Clip first = clips.get(0);
    long size = (long) clips.size() * first.pixels().length;
    if (size > ClipReader.MAX_CLIP_VALUES) {
      throw badRequest(
          "a video tensor holds at most %d values: got %d", ClipReader.MAX_CLIP_VALUES, size);
    }
    float[] values = new float[(int) size];
    for (int b = 0; b < clips.size(); b++) {
      Clip clip = clips.get(b);
      if (!shape(clip).equals(shape(first))) {
        throw badRequest(
            "the clips of a video tensor must have one shape: got %s and %s",
            shape(first), shape(clip));
      }
      System.arraycopy(clip.pixels(), 0, values, b * clip.pixels().length, clip.pixels().length);
    }
    long[] sizes = {clips.size(), 3, first.frames(), first.height(), first.width()};
    return writer.addFloats(VIDEO, sizes, values).metadata(FPS, String.valueOf(first.fps()));
  }

  private static String shape(Clip clip) {
    return "%dx%dx%d".formatted(clip.frames(), clip.height(), clip.width());
  }

  /**
   * The clips of a tensor file.
   *
   * @return B clips
   * @throws EngineFailure MEDIA when the file has no {@code video} tensor of the right shape
   */
  public static List<Clip> read(TensorFile file) {
    int[] sizes = sizes(file);
    double fps = fps(file);
    float[] values = file.floats(VIDEO);
    int length = values.length / sizes[0];
    List<Clip> clips = new ArrayList<>();
    for (int b = 0; b < sizes[0]; b++) {
      float[] pixels =
          sizes[0] == 1 ? values : Arrays.copyOfRange(values, b * length, (b + 1) * length);
      clips.add(
          new Clip(pixels, sizes[2], sizes[3], sizes[4], fps > 0 ? fps : ClipReader.DEFAULT_FPS));
    }
    return clips;
  }

  static ClipInfo info(TensorFile file) {
    int[] sizes = sizes(file);
    return new ClipInfo(sizes[4], sizes[3], fps(file), sizes[2], "safetensors");
  }

  /** The only clip of a file, sampled. */
  static Clip read(TensorFile file, ClipSampling sampling) {
    int[] sizes = sizes(file);
    if (sizes[0] != 1) {
      throw media("%s holds %d clips: expected 1", file.path(), sizes[0]);
    }
    double fps = fps(file);
    int[] wanted = sampling.select(sizes[2], fps, file.path().toString());
    Clip whole = read(file).get(0);
    int frames = sampling.padShort() ? Math.max(sampling.frames(), wanted.length) : wanted.length;
    int height = sampling.height() == 0 ? whole.height() : sampling.height();
    int width = sampling.width() == 0 ? whole.width() : sampling.width();
    int plane = height * width;
    float[] pixels = new float[ClipReader.clipValues(file.path(), frames, height, width)];
    for (int c = 0; c < 3; c++) {
      for (int t = 0; t < wanted.length; t++) {
        float[] values = plane(whole, c, wanted[t], sampling);
        System.arraycopy(values, 0, pixels, (c * frames + t) * plane, plane);
      }
    }
    double rate = sampling.resultFps(fps);
    return new Clip(
        pixels, frames, height, width, rate > 0 ? rate : ClipReader.fallbackFps(sampling));
  }

  private static float[] plane(Clip clip, int channel, int frame, ClipSampling sampling) {
    int size = clip.height() * clip.width();
    int from = (channel * clip.frames() + frame) * size;
    float[] values = Arrays.copyOfRange(clip.pixels(), from, from + size);
    if (sampling.height() == 0
        || sampling.height() == clip.height() && sampling.width() == clip.width()) {
      return values;
    }
    try (FloatPointer source = new FloatPointer(values);
        Mat mat = new Mat(clip.height(), clip.width(), CV_32FC1, source);
        Mat fitted = FrameShaper.fit(mat, sampling.height(), sampling.width(), sampling.fit());
        FloatPointer result = new FloatPointer(fitted.data())) {
      float[] resized = new float[sampling.height() * sampling.width()];
      result.get(resized);
      return resized;
    }
  }

  private static int[] sizes(TensorFile file) {
    if (!file.names().contains(VIDEO)) {
      throw media("%s has no tensor 'video': got %s", file.path(), Quoted.list(file.names()));
    }
    long[] shape = file.info(VIDEO).shape();
    boolean right =
        shape.length == 5 && shape[1] == 3 && Arrays.stream(shape).allMatch(size -> size > 0);
    if (!right || !file.info(VIDEO).type().isFloat()) {
      throw media(
          "%s: expected 'video' to be float32 (B, 3, T, H, W), got %s",
          file.path(), file.info(VIDEO));
    }
    if (file.info(VIDEO).elements() > ClipReader.MAX_CLIP_VALUES) {
      throw media(
          "%s is too large: 'video' may hold at most %d values, got %s",
          file.path(), ClipReader.MAX_CLIP_VALUES, file.info(VIDEO));
    }
    return Arrays.stream(shape).mapToInt(size -> (int) size).toArray();
  }

  private static double fps(TensorFile file) {
    String text = file.metadata().getOrDefault(FPS, "0");
    try {
      double fps = Double.parseDouble(text);
      if (fps >= 0 && !Double.isInfinite(fps)) {
        return fps;
      }
    } catch (NumberFormatException e) {
      // Told below, as any other wrong rate.
    }
    throw media("%s: expected the metadata 'fps' to be a rate, got '%s'", file.path(), text);
  }
}
