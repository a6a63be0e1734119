package dev.blockreel.server.http;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What operators look at: health, readiness, metrics, the access log. */
final class Operations {
  private static final Logger ACCESS = LoggerFactory.getLogger("access");
  private static final String REQUEST_ID = "request-id";

  private final PrometheusMeterRegistry registry;
  private final List<String> modelNames;
  private volatile String status = "starting";

  Operations(PrometheusMeterRegistry registry, List<String> modelNames) {
    this.registry = registry;
    this.modelNames = List.copyOf(modelNames);
  }

  /** Names the request and logs it when it is over. */
  void name(RoutingContext ctx) {
    long began = System.nanoTime();
    String id = name(ctx.request());
    ctx.put(REQUEST_ID, id);
    ctx.addEndHandler(end -> log(ctx.request(), id, began));
    ctx.next();
  }

  /** The same for a request that reaches no route. */
  void nameStray(HttpServerRequest request) {
    long began = System.nanoTime();
    String id = name(request);
    request.response().endHandler(end -> log(request, id, began));
  }

  private static String name(HttpServerRequest request) {
    String id = UUID.randomUUID().toString();
    request.response().putHeader("x-request-id", id).putHeader("x-content-type-options", "nosniff");
    return id;
  }

  private static void log(HttpServerRequest request, String id, long began) {
    ACCESS.info(
        "{} {} {} {} {} bytes {} ms {}",
        request.connection().remoteAddress().hostAddress(),
        request.method(),
        Fields.shortened(request.path()), // without its query: what is secret may be in it
        request.response().getStatusCode(),
        request.response().bytesWritten(),
        (System.nanoTime() - began) / 1_000_000,
        id);
  }

  static String requestId(RoutingContext ctx) {
    return ctx.get(REQUEST_ID);
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
