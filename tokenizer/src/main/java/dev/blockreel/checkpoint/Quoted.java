package dev.blockreel.checkpoint;

import java.util.Collection;
import java.util.stream.Collectors;

/**
 * Text that came out of a file, made fit for a one-line message: quoted, short and without control
 * characters, whatever the file holds.
 */
public final class Quoted {
  private static final int LONGEST = 120;
  private static final int MOST = 12;

  private Quoted() {}

  /** The text in quotes. */
  public static String of(String text) {
    return '"' + shortened(text) + '"';
  }

  /** The text itself, without quotes. */
  public static String shortened(String text) {
    String head = text.length() > LONGEST ? text.substring(0, LONGEST) + "…" : text;
    return head.replaceAll("[\\p{Cc}\\p{Cf}\\u2028\\u2029]", "?");
  }

  /** The first few of some names, comma-separated. */
  public static String list(Collection<?> names) {
    if (names.isEmpty()) {
      return "nothing";
    }
    String head =
        names.stream()
            .limit(MOST)
            .map(name -> name instanceof String text ? of(text) : shortened(String.valueOf(name)))
            .collect(Collectors.joining(", "));
    return names.size() > MOST ? head + " and " + (names.size() - MOST) + " more" : head;
  }
}
