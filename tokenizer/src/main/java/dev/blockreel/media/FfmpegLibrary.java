package dev.blockreel.media;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_strerror;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avfilter;
import org.bytedeco.ffmpeg.global.avformat;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.ffmpeg.global.swscale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;

/**
 * The native libraries, loaded with the first file that needs them (about 0.15 s; the very first
 * time about 0.5 s, when JavaCPP unpacks them), and silenced: what FFmpeg would print comes back as
 * a failure instead.
 */
final class FfmpegLibrary {
  // A class that fails to load cannot be asked twice, so the one error has to be kept.
  @SuppressWarnings("StaticAssignmentOfThrowable")
  private static final Throwable LOAD_ERROR = loadAll();

  private FfmpegLibrary() {}

  private static Throwable loadAll() {
    try {
      for (Class<?> part :
          new Class<?>[] {
            avutil.class, swscale.class, avcodec.class, avformat.class, avfilter.class
          }) {
        Loader.load(part);
      }
      av_log_set_level(AV_LOG_QUIET);
      return null;
    } catch (LinkageError e) {
      return e;
    }
  }

  /** Loads the natives, for whoever asks for them next; waits where that has begun. */
  static void begin() {
    // The class has been initialised by now.
  }

  /**
   * Makes sure that the natives are there.
   *
   * @throws EngineFailure UNSUPPORTED where they are not
   */
  static void load() {
    if (LOAD_ERROR != null) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "FFmpeg could not be loaded on %s: %s%s"
              .formatted(Loader.getPlatform(), LOAD_ERROR.getMessage(), remedy(LOAD_ERROR)),
          LOAD_ERROR);
    }
  }

  /** The one library that the natives take from the system, which slim images leave out. */
  private static String remedy(Throwable error) {
    return String.valueOf(error.getMessage()).contains("libdrm")
        ? " (on Debian: apt-get install libdrm2)"
        : "";
  }

  /** {@code code} where it is not negative; else a MEDIA failure: what, and FFmpeg's reason. */
  static int check(int code, String what) {
    if (code < 0) {
      throw media("%s: %s", what, reason(code));
    }
    return code;
  }

  /** FFmpeg's words for an error code, starting in lower case. */
  static String reason(int code) {
    byte[] text = new byte[256];
    av_strerror(code, text, text.length);
    int end = 0;
    while (text[end] != 0) {
      end++;
    }
    String words = new String(text, 0, end, StandardCharsets.UTF_8);
    return Character.toLowerCase(words.charAt(0)) + words.substring(1);
  }

  /** A MEDIA failure whose message is {@code format} filled in. */
  static EngineFailure media(String format, Object... values) {
    return new EngineFailure(FailureCode.MEDIA, String.format(format, values));
  }

  /** {@code path} as a URL for FFmpeg, so that a colon in it is no protocol. */
  static String url(Path path) {
    return "file:" + path;
  }

  /** {@code text} as a C string in UTF-8, whatever the platform's own charset; to be closed. */
  static BytePointer utf8(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    BytePointer pointer = new BytePointer(bytes.length + 1L);
    pointer.put(bytes, 0, bytes.length);
    pointer.put(bytes.length, (byte) 0);
    return pointer;
  }

  /** Options from {@code "key=value,key=value"}; to be freed by the caller. */
  static AVDictionary options(String pairs) {
    AVDictionary options = new AVDictionary(null);
    if (!pairs.isEmpty()) {
      check(
          avutil.av_dict_parse_string(options, pairs, "=", ",", 0), "bad FFmpeg options " + pairs);
    }
    return options;
  }
}
