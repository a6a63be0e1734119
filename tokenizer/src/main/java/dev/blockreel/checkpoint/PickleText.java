package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.nio.file.Path;

/** The two kinds of escaped text in pickles of protocol 0. */
final class PickleText {
  private PickleText() {}

  /** A Python 2 string literal in quotes, with {@code \n}, {@code \x41}, {@code \101} and such. */
  static String unquoted(Path file, String literal) {
    String text = literal.strip();
    int end = text.length() - 1;
    if (end < 1 || text.charAt(0) != text.charAt(end) || "'\"".indexOf(text.charAt(0)) < 0) {
      throw Refusal.broken(file, "a string of its pickle has no quotes");
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 1; i < end; i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        bytes.write(c);
        continue;
      }
      char escape = text.charAt(++i); // the quote at the end at worst
      if (escape == 'x') {
        bytes.write(hex(file, text, i + 1, 2));
        i += 2;
      } else if (escape >= '0' && escape <= '7') {
        int value = 0;
        int digits = 0;
        while (digits < 3 && text.charAt(i) >= '0' && text.charAt(i) <= '7') {
          value = value * 8 + text.charAt(i++) - '0';
          digits++;
        }
        i--;
        bytes.write(value);
      } else {
        int known = "abtnvfr".indexOf(escape);
        bytes.write(known < 0 ? escape : 7 + known);
      }
    }
    return bytes.toString(ISO_8859_1);
  }

  /** Latin-1 text in which {@code \\uXXXX} and {@code \\UXXXXXXXX} stand for other characters. */
  static String rawUnicode(Path file, String text) {
    StringBuilder result = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char next = i + 1 < text.length() ? text.charAt(i + 1) : ' ';
      if (text.charAt(i) == '\\' && (next == 'u' || next == 'U')) {
        int digits = next == 'u' ? 4 : 8;
        int codePoint = hex(file, text, i + 2, digits);
        if (!Character.isValidCodePoint(codePoint)) {
          throw Refusal.broken(file, "text of its pickle has an impossible character");
        }
        result.appendCodePoint(codePoint);
        i += 1 + digits;
      } else {
        result.append(text.charAt(i));
      }
    }
    return result.toString();
  }

  private static int hex(Path file, String text, int start, int digits) {
    try {
      return Integer.parseUnsignedInt(text, start, start + digits, 16);
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw Refusal.broken(file, "text of its pickle has a malformed escape");
    }
  }
}
