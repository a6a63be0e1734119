package dev.blockreel.server.http;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.UUID;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What operators look at: health, readiness, metrics, the access log. */
final class Operations {
  private static final Logger LOG = LoggerFactory.getLogger("access");
  private static final String VISIT = "visit";

  /** Logged where the client left before its answer was whole; the word of nginx for it. */
  private static final int GONE = 499;

  private final PrometheusMeterRegistry registry;
  private final List<String> modelNames;
  private volatile String status = "starting";

  Operations(PrometheusMeterRegistry registry, List<String> modelNames) {
    this.registry = registry;
    this.modelNames = List.copyOf(modelNames);
  }

  /** Names the request and logs it when it is over. */
  void name(RoutingContext ctx) {
    Visit visit = new Visit(ctx.request());
    ctx.put(VISIT, visit);
    HttpServerResponse response = ctx.response();
    ctx.addEndHandler(
        end ->
            visit.log(end.succeeded() ? response.getStatusCode() : GONE, response.bytesWritten()));
    ctx.next();
  }

  /** The same for a request that reaches no route. */
  void nameStray(HttpServerRequest request) {
    Visit visit = new Visit(request);
    HttpServerResponse response = request.response();
    response.endHandler(end -> visit.log(response.getStatusCode(), response.bytesWritten()));
  }

  /** The client hung up while it was sent a file, of which Vert.x tells no end handler. */
  static void hungUp(RoutingContext ctx) {
    Visit visit = ctx.get(VISIT);
    visit.log(GONE, ctx.response().bytesWritten());
  }

  /** For a request that becomes a WebSocket: logs it when it is called with the bytes sent. */
  static LongConsumer socketLog(RoutingContext ctx) {
    Visit visit = ctx.get(VISIT);
    return bytes -> visit.log(101, bytes);
  }

  /** A request in the access log. It knows what the log needs after its connection has gone. */
  private static final class Visit {
    final long began = System.nanoTime();
    final String id = UUID.randomUUID().toString();
    final String address;
    final HttpMethod method;
    final String path;
    private boolean logged;

    Visit(HttpServerRequest request) {
      address = request.connection().remoteAddress().hostAddress();
      method = request.method();
      path = Fields.shortened(request.path()); // without its query: what is secret may be in it
      request
          .response()
          .putHeader("x-request-id", id)
          .putHeader("x-content-type-options", "nosniff");
    }

    /** Once; by the event loop of the request. */
    void log(int status, long bytes) {
      if (logged) {
        return;
      }
      logged = true;
      LOG.info(
          "{} {} {} {} {} bytes {} ms {}",
          address,
          method,
          path,
          status,
          bytes,
          (System.nanoTime() - began) / 1_000_000,
          id);
    }
  }

  static String requestId(RoutingContext ctx) {
    Visit visit = ctx.get(VISIT);
    return visit.id;
  }

  /** Models are loaded: requests are taken. */
  void ready() {
    status = "ready";
  }

  /** Something broke: requests are still taken, but a new server would do better. */
  void impaired() {
    if (status.equals("ready")) {
      status = "impaired";
    }
  }

  /** No more requests are taken. */
  void draining() {
    status = "draining";
  }

  void health(RoutingContext ctx) {
    Answers.json(ctx, new JsonObject().put("status", "ok"));
  }

  void readiness(RoutingContext ctx) {
    Answers.json(
        ctx,
        status.equals("ready") ? 200 : 503,
        new JsonObject().put("status", status).put("models", new JsonArray(modelNames)));
  }

  void metrics(RoutingContext ctx) {
    ctx.response()
        .putHeader("content-type", "text/plain; version=0.0.4; charset=utf-8")
        .end(registry.scrape());
  }
}
