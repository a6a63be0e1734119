package dev.blockreel.media;

import static dev.blockreel.failure.EngineFailure.badRequest;
import static java.util.stream.Collectors.joining;

import dev.blockreel.failure.EngineFailure;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * What frames can be encoded to: one row for each kind of file, with the FFmpeg parts that make it.
 */
public enum VideoFormat {
  /** H.264, 4:2:0, index in front: plays everywhere, cannot be sent before it is whole. */
  MP4(
      "mp4",
      "mp4",
      "libopenh264",
      Names.YUV420,
      "movflags=+faststart",
      // The encoder's bit rate control starves small clips; a low top quantiser overrules it.
      "rc_mode=quality,allow_skip_frames=0,profile=high,qmin=8,qmax=20"),
  /** H.264 in one fragment for each frame: can be played while it is being made. */
  FRAGMENTED_MP4(
      "m4s",
      "mp4",
      "libopenh264",
      Names.YUV420,
      "movflags=+empty_moov+default_base_moof+frag_every_frame,flush_packets=1",
      "rc_mode=quality,allow_skip_frames=0,profile=constrained_baseline,qmin=8,qmax=24"),
  /** VP9, 4:2:0. */
  WEBM(
      "webm",
      "webm",
      "libvpx-vp9",
      Names.YUV420,
      "",
      "crf=18,b=0,deadline=good,cpu-used=4,lag-in-frames=0"),
  /** FFV1 in RGB: every 8-bit value comes back exactly. */
  MKV("mkv", "matroska", "ffv1", "format=bgr0", "", "level=3,slicecrc=1,coder=range_def,slices=4"),
  /** FFV1 in RGB, in the container of UCF-101. */
  AVI("avi", "avi", "ffv1", "format=bgr0", "", "level=3,slicecrc=1,coder=range_def,slices=4"),
  /** 256 colours chosen for the whole clip, endlessly repeated. */
  GIF(
      "gif",
      "gif",
      "gif",
      "split[a][b];[a]palettegen=stats_mode=full[p];"
          + "[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle",
      "loop=0",
      ""),
  /** Lossless animated WebP, endlessly repeated. */
  WEBP("webp", "webp", "libwebp_anim", "format=bgra", "loop=0", Names.LOSSLESS),
  /** Lossless animated PNG, endlessly repeated. */
  APNG("apng", "apng", "apng", "format=rgb24", "plays=0", "pred=mixed"),
  /** One image. A higher level takes half as long again for 6 % of a sprite sheet. */
  PNG("png", "image2pipe", "png", "format=rgb24", "", "pred=mixed,compression_level=2"),
  /** One image, lossy. */
  JPEG("jpg", "image2pipe", "mjpeg", Names.JPEG_YUV, "", Names.JPEG_QUALITY),
  /** JPEG images in an endless multipart answer, as {@code <img>} tags play it. */
  MJPEG("mjpeg", "mpjpeg", "mjpeg", Names.JPEG_YUV, "flush_packets=1", Names.JPEG_QUALITY);

  /** The best quality. */
  public static final int BEST = 100;

  /** Shared cells of the table; a constant of the enum itself could not be used above. */
  private static final class Names {
    static final String YUV420 =
        "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,"
            + "format=yuv420p";
    static final String JPEG_YUV =
        "scale=out_color_matrix=bt601:out_range=pc:flags=accurate_rnd,format=yuvj444p";
    static final String JPEG_QUALITY = "qmin=2,qmax=2";
    static final String LOSSLESS = "lossless=1";
  }

  private final String extension;
  private final String muxer;
  private final String encoder;
  private final String filters;
  private final String muxerOptions;
  private final String encoderOptions;

  VideoFormat(
      String extension,
      String muxer,
      String encoder,
      String filters,
      String muxerOptions,
      String encoderOptions) {
    this.extension = extension;
    this.muxer = muxer;
    this.encoder = encoder;
    this.filters = filters;
    this.muxerOptions = muxerOptions;
    this.encoderOptions = encoderOptions;
  }

  /** The usual file name ending, without a dot. */
  public String extension() {
    return extension;
  }

  /** Whether it holds one image only. */
  public boolean still() {
    return this == PNG || this == JPEG;
  }

  /** Whether it can be written front to back, so also to a stream. */
  public boolean streams() {
    return this != MP4 && this != AVI && this != WEBP && this != APNG;
  }

  /** Whether width and height must be even: half-size colour planes. */
  boolean evenSize() {
    return filters.equals(Names.YUV420);
  }

  String muxer() {
    return muxer;
  }

  String encoder() {
    return encoder;
  }

  String filters() {
    return filters;
  }

  String muxerOptions() {
    return muxerOptions;
  }

  /**
   * Options of the encoder.
   *
   * @param quality from 0, the smallest files, to {@value #BEST}; only {@link #JPEG} and {@link
   *     #WEBP} have others than the best
   */
  String encoderOptions(int quality) {
    if (quality < 0 || quality > BEST) {
      throw badRequest("quality must be from 0 to %d: got %d", BEST, quality);
    }
    if (quality == BEST) {
      return encoderOptions;
    }
    return switch (this) {
      case JPEG -> {
        long quantiser = 2 + Math.round((BEST - quality) * 29.0 / BEST);
        yield "qmin=%1$d,qmax=%1$d".formatted(quantiser);
      }
      case WEBP -> "lossless=0,quality=" + quality;
      default -> encoderOptions;
    };
  }

  /**
   * The format that a file name asks for.
   *
   * @throws EngineFailure BAD_REQUEST for any other ending
   */
  public static VideoFormat of(Path path) {
    String ending = ending(path);
    if (ending.equals("jpeg")) {
      return JPEG;
    }
    for (VideoFormat format : values()) {
      if (format.extension.equals(ending)) {
        return format;
      }
    }
    throw badRequest(
        "cannot write %s: got the ending '%s', expected one of %s, safetensors, or a folder",
        path, ending, Arrays.stream(values()).map(VideoFormat::extension).collect(joining(", ")));
  }

  /** What follows the last dot of the file name in lower case; empty without a dot. */
  static String ending(Path path) {
    Path name = path.getFileName();
    int dot = name == null ? -1 : name.toString().lastIndexOf('.');
    return dot < 0 ? "" : name.toString().substring(dot + 1).toLowerCase(Locale.ROOT);
  }
}
