package dev.blockreel.server.http;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A part of a file.
 *
 * @param from first byte
 * @param length how many; at least 1
 */
record ByteRange(long from, long length) {
  private static final Pattern ONE = Pattern.compile("(?i)bytes=(\\d{0,18})-(\\d{0,18})");

  /**
   * Reads the header {@code Range}.
   *
   * @return the part, or null where the whole is to be sent: no header, several ranges, another
   *     unit or a range that ends before it begins, as RFC 9110 has it
   * @throws ApiFailure 416 when it lies outside of the file
   */
  static ByteRange of(String header, long size) {
    Matcher matcher = header == null ? null : ONE.matcher(header.strip());
    if (matcher == null || !matcher.matches()) {
      return null;
    }
    String first = matcher.group(1);
    String last = matcher.group(2);
    if (first.isEmpty() && last.isEmpty()) {
      return null;
    }
    long from = first.isEmpty() ? Math.max(0, size - Long.parseLong(last)) : Long.parseLong(first);
    long to = first.isEmpty() || last.isEmpty() ? size - 1 : Long.parseLong(last);
    if (to < from && !first.isEmpty() && !last.isEmpty()) {
      return null;
    }
    to = Math.min(to, size - 1);
    if (from > to) {
      throw new ApiFailure(
          416,
          "range_not_satisfiable",
          "Range",
          "%s lies outside of the %d bytes".formatted(Fields.shortened(header), size));
    }
    return new ByteRange(from, to - from + 1);
  }
}
