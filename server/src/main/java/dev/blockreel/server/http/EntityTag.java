package dev.blockreel.server.http;

import io.vertx.core.http.HttpServerRequest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What names one state of a file, and the conditions of RFC 9110 that ask for it.
 *
 * @param text a strong tag with its quotes
 */
record EntityTag(String text) {
  private static final Pattern OPAQUE = Pattern.compile("\"[^\"]*\"");

  /** Whether the client has this state already ({@code If-None-Match}); a weak tag will do. */
  boolean isKnownTo(HttpServerRequest request) {
    for (String header : request.headers().getAll("if-none-match")) {
      if (header.strip().equals("*")) {
        return true;
      }
      Matcher tags = OPAQUE.matcher(header);
      while (tags.find()) {
        if (tags.group().equals(text)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Whether a part of this state is of use: the client has others of it ({@code If-Range}). */
  boolean continues(HttpServerRequest request) {
    String wanted = request.getHeader("if-range");
    return wanted == null || wanted.strip().equals(text);
  }
}
