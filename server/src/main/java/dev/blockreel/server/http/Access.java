package dev.blockreel.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Who may use the server: holders of a key where keys are set, and browsers on pages of this server
 * or of an allowed origin.
 */
final class Access {
  /** How browsers, which cannot set headers on a WebSocket, hand over a key. */
  private static final String KEY_PROTOCOL = "openai-insecure-api-key.";

  private static final String OWNER = "owner";
  private static final String ANYONE = "anyone";
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  private final List<byte[]> keys;
  private final Set<String> allowedOrigins;
  private final boolean loopback;

  /**
   * @param keys API keys; none lets everybody in
   * @param allowedOrigins such as {@code https://example.org}, beside the server's own
   * @param host to which the server is bound
   */
  Access(List<String> keys, Set<String> allowedOrigins, String host) {
    this.keys = keys.stream().map(Access::digest).toList();
    this.allowedOrigins = Set.copyOf(allowedOrigins);
    this.loopback = LOOPBACK.contains(host);
  }

  /** Lets requests of this server's own and of allowed pages pass; fails others with 403. */
  void checkOrigin(RoutingContext ctx) {
    checkOrigin(ctx.request());
    ctx.next();
  }

  /** Lets a request with a key pass; fails others with 401. */
  void checkKey(RoutingContext ctx) {
    ctx.put(OWNER, owner(ctx.request()));
    ctx.next();
  }

  /** Who sent the request: a fingerprint of the key, or one name for all where there are none. */
  static String owner(RoutingContext ctx) {
    return ctx.get(OWNER);
  }

  private void checkOrigin(HttpServerRequest request) {
    if (loopback) {
      requireOwnName(request);
    }
    String origin = request.getHeader("origin");
    if (origin == null || allowedOrigins.contains(origin) || isOwn(origin, request)) {
      return;
    }
    throw new ApiFailure(
        403, "origin_not_allowed", null, "pages of %s may not use this server".formatted(origin));
  }

  /** A foreign name may resolve to this machine: a page there could read what is here. */
  private void requireOwnName(HttpServerRequest request) {
    if (request.authority() == null) {
      throw new ApiFailure(
          403, "origin_not_allowed", null, "a request must name this server in its header Host");
    }
    String host = request.authority().host().toLowerCase(Locale.ROOT);
    if (!LOOPBACK.contains(host) && !isAllowedHost(host)) {
      throw new ApiFailure(
          403,
          "origin_not_allowed",
          null,
          "this server is not known as %s".formatted(Fields.shortened(host)));
    }
  }

  private boolean isAllowedHost(String host) {
    return allowedOrigins.stream()
        .anyMatch(origin -> host.equalsIgnoreCase(URI.create(origin).getHost()));
  }

  /**
   * The address under which who sent the request knows this server. That a proxy in front speaks
   * TLS is told by an allowed origin alone: headers that say so can be sent by anybody.
   */
  String address(HttpServerRequest request) {
    return allowedOrigins.stream()
        .filter(origin -> isOwn(origin, request))
        .max(Comparator.naturalOrder()) // https, where http is allowed as well
        .orElse("%s://%s".formatted(request.scheme(), request.authority()));
  }

  private static boolean isOwn(String origin, HttpServerRequest request) {
    if (request.authority() == null) {
      return false;
    }
    try {
      URI uri = new URI(origin);
      int port = uri.getPort() >= 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
      int own = request.authority().port() >= 0 ? request.authority().port() : port;
      return request.authority().host().equalsIgnoreCase(uri.getHost()) && own == port;
    } catch (java.net.URISyntaxException e) {
      return false;
    }
  }

  private String owner(HttpServerRequest request) {
    if (keys.isEmpty()) {
      return ANYONE;
    }
    byte[] given = digest(key(request).orElse(""));
    boolean known = false;
    for (byte[] key : keys) {
      // Every key is compared in full, so that time tells nothing.
      known |= MessageDigest.isEqual(key, given);
    }
    if (!known) {
      throw new ApiFailure(
          401, "invalid_api_key", null, "this server needs a key: Authorization: Bearer KEY");
    }
    return HexFormat.of().formatHex(given, 0, 8);
  }

  private static Optional<String> key(HttpServerRequest request) {
    String header = request.getHeader("authorization");
    if (header != null && header.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return Optional.of(header.substring(7).strip());
    }
    for (String offered : request.headers().getAll("sec-websocket-protocol")) {
      for (String protocol : offered.split(",", -1)) {
        if (protocol.strip().startsWith(KEY_PROTOCOL)) {
          return Optional.of(protocol.strip().substring(KEY_PROTOCOL.length()));
        }
      }
    }
    return Optional.empty();
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
