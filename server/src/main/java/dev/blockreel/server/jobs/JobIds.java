package dev.blockreel.server.jobs;

import java.security.SecureRandom;
import java.util.Comparator;
import java.util.regex.Pattern;

/** Names of jobs: {@code video_NODE_ULID}, which say which server has them and when they came. */
final class JobIds {
  /** The order of their making, whichever server made them. */
  static final Comparator<String> BY_AGE =
      Comparator.comparing((String id) -> id.substring(id.lastIndexOf('_') + 1))
          .thenComparing(Comparator.naturalOrder());

  /** Crockford's alphabet: no letter that is taken for another. */
  private static final char[] ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".toCharArray();

  private static final Pattern FORM = Pattern.compile("video_[0-9A-Za-z_]+_[0-9A-HJKMNP-TV-Z]{26}");

  private final SecureRandom random = new SecureRandom();
  private final String prefix;
  private long lastMillis;
  private final byte[] tail = new byte[16]; // five bits each

  JobIds(String node) {
    this.prefix = "video_" + node + "_";
  }

  /** Whether a name looks like one of a job, of whichever server. */
  static boolean isOne(String name) {
    return FORM.matcher(name).matches();
  }

  synchronized String next(long millis) {
    if (millis > lastMillis) {
      lastMillis = millis;
      for (int i = 0; i < tail.length; i++) {
        tail[i] = (byte) random.nextInt(32);
      }
    } else {
      // The same millisecond: count on, so that order stays.
      for (int i = tail.length - 1; i >= 0 && ++tail[i] == 32; i--) {
        tail[i] = 0;
      }
    }
    StringBuilder id = new StringBuilder(prefix);
    for (int shift = 45; shift >= 0; shift -= 5) {
      id.append(ALPHABET[(int) (lastMillis >>> shift) & 31]);
    }
    for (byte five : tail) {
      id.append(ALPHABET[five]);
    }
    return id.toString();
  }
}
