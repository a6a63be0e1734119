package dev.blockreel.server.http;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.jobs.Refusal;
import dev.blockreel.server.operations.Measures;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.codec.http.multipart.HttpPostRequestDecoder.TooManyFormFieldsException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** JSON answers, and failures as JSON. */
final class Answers {
  private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

  private final Measures measures;

  Answers(Measures measures) {
    this.measures = measures;
  }

  static void json(RoutingContext ctx, JsonObject body) {
    json(ctx, 200, body);
  }

  static void json(RoutingContext ctx, int status, JsonObject body) {
    json(ctx.response(), status, body.toBuffer());
  }

  /** A body of JSON that was written elsewhere, as large ones are. */
  static void json(RoutingContext ctx, Buffer body) {
    json(ctx.response(), 200, body);
  }

  private static void json(HttpServerResponse response, int status, Buffer body) {
    response
        .setStatusCode(status)
        .putHeader("content-type", "application/json")
        .putHeader("cache-control", "no-store")
        .end(body);
  }

  /** Answers a failed request; where the answer has begun already, ends its connection. */
  void fail(RoutingContext ctx, Throwable cause) {
    if (cause instanceof IOException && !Wire.of(ctx.request()).isOpen()) {
      Operations.hungUp(ctx);
      return;
    }
    ApiFailure failure = failure(cause);
    if (failure.status() >= 500) {
      measures.failed(failure.code());
    }
    answer(ctx.response(), failure);
  }

  /** As {@link #fail}, for what is counted already: jobs and images count their own failures. */
  static void answer(HttpServerResponse response, ApiFailure failure) {
    if (response.ended() || response.closed()) {
      return;
    }
    if (response.headWritten()) {
      response.reset();
      return;
    }
    // They were said of a file that is not what is sent now.
    response.headers().remove("etag").remove("accept-ranges");
    if (failure.retrySeconds() > 0) {
      response.putHeader("retry-after", String.valueOf(failure.retrySeconds()));
      response.putHeader("retry-after-ms", String.valueOf(1000L * failure.retrySeconds()));
    }
    if (failure.status() == 500 || failure.status() == 507) {
      // Made once and failed: the same request would fail again.
      response.putHeader("x-should-retry", "false");
    }
    if (failure.status() == 401) {
      response.putHeader("www-authenticate", "Bearer");
    }
    if (failure.status() == 413) {
      // The rest of the request is not read.
      response.putHeader("connection", "close");
    }
    json(response, failure.status(), failure.body().toBuffer());
  }

  /** What a failure means to a client. */
  static ApiFailure failure(Throwable cause) {
    Throwable root = cause;
    while (root instanceof CompletionException && root.getCause() != null) {
      root = root.getCause();
    }
    if (root instanceof ApiFailure failure) {
      return failure;
    }
    if (root instanceof Refusal refusal) {
      return ApiFailure.of(refusal);
    }
    if (root instanceof EngineFailure failure) {
      return ApiFailure.of(failure);
    }
    if (root instanceof HttpClosedException) {
      return ofStatus(400); // the client went away while it was sending
    }
    LOG.error("a request failed", root);
    return new ApiFailure(500, "internal", null, "the server failed; its log says why");
  }

  /** What was wrong with a request that could not be read, such as too long a head. */
  static ApiFailure unreadable(Throwable cause) {
    if (cause instanceof TooLongHttpLineException) {
      return ofStatus(414);
    }
    return ofStatus(cause instanceof TooLongHttpHeaderException ? 431 : 400);
  }

  /** What was wrong with a body, as far as Vert.x says it. */
  static ApiFailure unreadableBody(Throwable cause) {
    for (Throwable reason = cause; reason != null; reason = reason.getCause()) {
      if (reason instanceof ApiFailure failure) {
        return failure;
      }
      if (reason instanceof TooManyFormFieldsException) {
        return ApiFailure.badRequest(
            "invalid_request", null, "a form has up to %d fields", Api.FORM_FIELDS);
      }
      if (reason instanceof IOException && String.valueOf(reason.getMessage()).contains("Size")) {
        return ApiFailure.badRequest(
            "invalid_request",
            null,
            "a field of a form has up to %d bytes: send more as a file, or as JSON",
            Api.FORM_FIELD_BYTES);
      }
    }
    return ofStatus(400);
  }

  /** Failures that Vert.x found: it says no more than a status. */
  static ApiFailure ofStatus(int status) {
    return switch (status) {
      case 400 -> new ApiFailure(400, "invalid_request", null, "the request is malformed");
      case 404 -> new ApiFailure(404, "not_found", null, "there is nothing at this address");
      case 405 ->
          new ApiFailure(405, "method_not_allowed", null, "this address takes other methods");
      case 413 -> new ApiFailure(413, "body_too_large", null, "the body is too large");
      case 414 -> new ApiFailure(414, "uri_too_long", null, "the address is too long");
      case 415 ->
          new ApiFailure(
              415,
              "unsupported_media_type",
              null,
              "the body must be application/json or multipart/form-data");
      case 431 -> new ApiFailure(431, "headers_too_large", null, "the headers are too large");
      default ->
          status < 500
              ? new ApiFailure(status, "invalid_request", null, "the request is not possible")
              : new ApiFailure(status, "internal", null, "the server failed; its log says why");
    };
  }
}
