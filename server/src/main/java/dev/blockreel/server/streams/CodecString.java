package dev.blockreel.server.streams;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.charset.StandardCharsets;

/** Reads what a browser wants to know about an MP4 before it plays it (RFC 6381). */
public final class CodecString {
  private static final byte[] AVC_CONFIGURATION = "avcC".getBytes(StandardCharsets.US_ASCII);

  private CodecString() {}

  /**
   * @param init ftyp and moov of an H.264 file
   * @return such as {@code video/mp4; codecs="avc1.42C00A"}: profile, constraints, level
   */
  public static String of(byte[] init) {
    for (int i = 0; i + 8 <= init.length; i++) {
      if (startsAt(init, i)) {
        // After the name: version, then the three bytes.
        return "video/mp4; codecs=\"avc1.%02X%02X%02X\""
            .formatted(init[i + 5], init[i + 6], init[i + 7]);
      }
    }
    throw new EngineFailure(
        FailureCode.MEDIA,
        "the encoder gave no H.264 configuration in %d bytes of header".formatted(init.length));
  }

  private static boolean startsAt(byte[] bytes, int from) {
    for (int i = 0; i < AVC_CONFIGURATION.length; i++) {
      if (bytes[from + i] != AVC_CONFIGURATION[i]) {
        return false;
      }
    }
    return true;
  }
}
