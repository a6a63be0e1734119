package dev.blockreel.server.http;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.jobs.JobError;
import dev.blockreel.server.jobs.Refusal;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;

/** A request that is answered with an error: a status and what the body says. */
final class ApiFailure extends RuntimeException {
  private final int status;
  private final String code;
  private final String param;
  private final JsonObject more = new JsonObject();
  private int retrySeconds;

  ApiFailure(int status, String code, String param, String message) {
    super(message, null, false, false);
    this.status = status;
    this.code = code;
    this.param = param;
  }

  static ApiFailure badRequest(String code, String param, String format, Object... values) {
    return new ApiFailure(400, code, param, format.formatted(values));
  }

  static ApiFailure notFound(String code, String format, Object... values) {
    return new ApiFailure(404, code, null, format.formatted(values));
  }

  static ApiFailure of(Refusal refusal) {
    return switch (refusal.reason()) {
      case QUEUE_FULL, TOO_MANY_IN_FLIGHT ->
          new ApiFailure(429, refusal.reason().code(), null, refusal.getMessage())
              .retryAfter(refusal.retrySeconds())
              .with("queue_depth", refusal.queueDepth());
      case SHUTTING_DOWN ->
          new ApiFailure(503, refusal.reason().code(), null, refusal.getMessage())
              .retryAfter(refusal.retrySeconds());
      case DISK_FULL -> new ApiFailure(507, refusal.reason().code(), null, refusal.getMessage());
      case IDEMPOTENCY_MISMATCH ->
          new ApiFailure(422, refusal.reason().code(), null, refusal.getMessage());
    };
  }

  /** For requests that had to be given up before or while the engine looked at them. */
  static ApiFailure of(EngineFailure failure) {
    return switch (failure.code()) {
      case BAD_REQUEST -> new ApiFailure(400, "invalid_value", null, failure.getMessage());
      case UNSUPPORTED -> new ApiFailure(400, "unsupported_parameter", null, failure.getMessage());
      case BUSY -> new ApiFailure(429, "queue_full", null, failure.getMessage()).retryAfter(1);
      case OUT_OF_MEMORY -> new ApiFailure(507, "out_of_memory", null, failure.getMessage());
      // What is left names files of this machine, which are not the client's business.
      default -> new ApiFailure(500, "internal", null, "the server failed; its log says why");
    };
  }

  /** For requests that wait for a job which then fails. */
  static ApiFailure of(JobError error) {
    int status =
        switch (error.code()) {
          case "media", "invalid_value", "unsupported_parameter" -> 400;
          case "out_of_memory" -> 507;
          case "shutting_down" -> 503;
          default -> 500;
        };
    String param = error.code().equals("media") ? "input_reference" : null;
    ApiFailure failure = new ApiFailure(status, error.code(), param, error.message());
    return status == 503 ? failure.retryAfter(5) : failure;
  }

  ApiFailure suggesting(List<String> suggestions) {
    return with("suggestions", new JsonArray(suggestions));
  }

  private ApiFailure with(String name, Object value) {
    more.put(name, value);
    return this;
  }

  ApiFailure retryAfter(int seconds) {
    retrySeconds = seconds;
    return this;
  }

  int status() {
    return status;
  }

  String code() {
    return code;
  }

  String param() {
    return param;
  }

  /** Seconds, or 0 where another try is no use. */
  int retrySeconds() {
    return retrySeconds;
  }

  /** What else helps, such as suggestions, by name. */
  JsonObject more() {
    return more;
  }

  /** The body, in the shape of OpenAI's errors. */
  JsonObject body() {
    String type =
        switch (status) {
          case 401 -> "authentication_error";
          case 403 -> "permission_error";
          case 429 -> "rate_limit_error";
          default -> status < 500 ? "invalid_request_error" : "server_error";
        };
    return new JsonObject()
        .put(
            "error",
            new JsonObject()
                .put("message", getMessage())
                .put("type", type)
                .put("param", param)
                .put("code", code)
                .mergeIn(more));
  }
}
