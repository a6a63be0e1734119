package dev.blockreel.server.http;

import dev.blockreel.server.operations.Measures;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.CorsHandler;
import io.vertx.ext.web.handler.StaticHandler;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/** All addresses of the server and what answers them. */
public final class Api {
  /** Largest {@code session.start}: it may hold an image. */
  static final int WEB_SOCKET_BYTES = 4 << 20;

  /**
   * Largest message that is read at all. Who sends a larger one is cut off while he still sends,
   * and may never see why.
   */
  public static final int WEB_SOCKET_READ_BYTES = 16 << 20;

  /** Most fields of a form. */
  public static final int FORM_FIELDS = 64;

  /** Longest field of a form that is no file. */
  public static final int FORM_FIELD_BYTES = 256 << 10;

  private static final String RESOURCES = "dev/blockreel/server/";

  /** With which Vert.x fails a request whose body cannot be read to its end. */
  private static final int BROKEN_BODY = 200;

  private static final long REQUEST_MILLIS = 30_000;

  private final Vertx vertx;
  private final Measures measures;
  private final Answers answers;
  private final Access access;
  private final Operations operations;
  private final Uploads uploads;
  private final VideoRoutes videos;
  private final ContentRoutes content;
  private final ImageRoutes images;
  private final SlowClients slow = new SlowClients(REQUEST_MILLIS);
  private final Map<String, List<String>> methods = new LinkedHashMap<>(); // of each address
  private volatile Service service;

  /**
   * Who and what is let in.
   *
   * @param host to which the server is bound
   * @param keys API keys; none lets everybody in
   * @param origins of pages that may use the server beside its own
   * @param bodyBytes largest body
   * @param uploads folder for uploaded files until they are checked
   */
  public record Doors(
      String host, List<String> keys, Set<String> origins, long bodyBytes, Path uploads) {}

  /**
   * @param modelNames of the models that are being loaded
   */
  public Api(
      Vertx vertx,
      Doors doors,
      List<String> modelNames,
      PrometheusMeterRegistry registry,
      Measures measures) {
    this.vertx = vertx;
    this.measures = measures;
    this.answers = new Answers(measures);
    this.access = new Access(doors.keys(), doors.origins(), doors.host());
    this.operations = new Operations(registry, modelNames);
    this.uploads = new Uploads(vertx, doors.uploads());
    this.videos = new VideoRoutes(vertx, this::service, uploads, answers);
    this.content = new ContentRoutes(vertx, this::service, measures, answers);
    this.images = new ImageRoutes(vertx, this::service, measures, access, answers);
  }

  private Service service() {
    Service open = service;
    if (open == null) {
      throw new ApiFailure(503, "starting", null, "the models are being loaded").retryAfter(2);
    }
    return open;
  }

  /** The models are loaded. */
  public void open(Service opened) {
    service = opened;
    operations.ready();
  }

  /** Tells those who ask that this server had better be replaced. */
  public void impaired() {
    operations.impaired();
  }

  /** No more requests are taken. */
  public void drain() {
    operations.draining();
  }

  /** A client has connected. */
  public void connected(HttpConnection connection) {
    slow.connected(connection);
  }

  /** A request cannot be read. No route gets it, and what follows on its connection is lost. */
  public void unreadable(HttpServerRequest request) {
    operations.nameStray(request);
    request.response().putHeader("connection", "close");
    Answers.answer(request.response(), Answers.unreadable(request.decoderResult().cause()));
    request.connection().close();
  }

  /** To be called each second. */
  public void sweep() {
    slow.sweep();
  }

  /** The routes. */
  public Router router(Doors doors) {
    Router router = Router.router(vertx);
    router.route().handler(safely(this::begin)).handler(operations::name);
    router.route().handler(safely(Api::refuseCodings));
    get(router, "/health", operations::health);
    get(router, "/readyz", operations::readiness);
    get(router, "/openapi.yaml", this::openApi);
    router.route("/v1/*").handler(safely(access::checkOrigin));
    if (!doors.origins().isEmpty()) {
      CorsHandler cors = cors(doors.origins());
      router
          .route("/v1/*")
          .handler(
              ctx -> {
                // It knows foreign origins only; the server's own needs no headers.
                String origin = ctx.request().getHeader("origin");
                if (origin != null && doors.origins().contains(origin)) {
                  cors.handle(ctx);
                } else {
                  ctx.next();
                }
              });
    }
    // Its id is its key: an img tag can send no other.
    get(router, "/v1/images/:image_id/content", images::content);
    router.route("/v1/*").handler(safely(access::checkKey));
    router.route("/metrics").handler(safely(access::checkOrigin));
    router.route("/metrics").handler(safely(access::checkKey));
    get(router, "/metrics", operations::metrics);
    get(router, "/v1/models", this::models);
    get(router, "/v1/models/:model", this::model);
    post(router, "/v1/images/generations", doors, images::create);
    post(router, "/v1/videos/sync", doors, videos::createSync);
    post(router, "/v1/videos", doors, videos::create);
    get(router, "/v1/videos", videos::list);
    get(router, "/v1/videos/:video_id", videos::get);
    on(router, "/v1/videos/:video_id", HttpMethod.DELETE).handler(safely(videos::delete));
    get(router, "/v1/videos/:video_id/content", ctx -> content.content(ctx, videos.find(ctx)));
    get(
        router,
        "/v1/videos/:video_id/preview.mjpeg",
        ctx -> content.preview(ctx, videos.find(ctx)));
    on(router, "/v1/realtime/video", HttpMethod.GET).handler(safely(this::realtime));
    page(router);
    refuseOtherMethods(router);
    for (int status : new int[] {BROKEN_BODY, 400, 404, 413, 417, 500}) {
      router.errorHandler(status, ctx -> answers.fail(ctx, cause(ctx, status)));
    }
    return router;
  }

  private static Throwable cause(RoutingContext ctx, int status) {
    if (status == BROKEN_BODY || status == 400) {
      return Answers.unreadableBody(ctx.failure());
    }
    return ctx.failure() instanceof ApiFailure failure
        ? failure
        : status == 500 && ctx.failure() != null ? ctx.failure() : Answers.ofStatus(status);
  }

  private void begin(RoutingContext ctx) {
    slow.began(ctx.request());
    ctx.addEndHandler(sent -> slow.answered(ctx.request()));
    if (ctx.request().isEnded() || !hasBody(ctx.request())) {
      slow.complete(ctx.request());
    }
    ctx.next();
  }

  /**
   * What has such a body is taken for a request without one, and its body for the next request: so
   * none follows on its connection.
   */
  private static void refuseCodings(RoutingContext ctx) {
    String coding = ctx.request().getHeader("transfer-encoding");
    if (coding != null && !coding.strip().equalsIgnoreCase("chunked")) {
      ctx.request().connection().shutdown(1, TimeUnit.SECONDS);
      ctx.response().putHeader("connection", "close");
      throw ApiFailure.badRequest(
          "invalid_request",
          null,
          "the only Transfer-Encoding is chunked: got %s",
          Fields.shortened(coding));
    }
    ctx.next();
  }

  private static boolean hasBody(HttpServerRequest request) {
    return request.method().equals(HttpMethod.POST);
  }

  /** HEAD has the same answer, of which the response leaves the body out. */
  private void get(Router router, String path, Consumer<RoutingContext> handler) {
    on(router, path, HttpMethod.GET, HttpMethod.HEAD).handler(safely(handler));
  }

  private void post(Router router, String path, Doors doors, Consumer<RoutingContext> handler) {
    // A route of its own: in one route, bodies are read before all else.
    router.post(path).handler(safely(Api::requireBodyType)).handler(safely(this::requireRoom));
    on(router, path, HttpMethod.POST)
        .handler(
            BodyHandler.create(doors.uploads().toString())
                .setBodyLimit(doors.bodyBytes())
                .setMergeFormAttributes(false)
                .setDeleteUploadedFilesOnEnd(true))
        .handler(
            safely(
                ctx -> {
                  slow.complete(ctx.request());
                  handler.accept(ctx);
                }));
  }

  private Route on(Router router, String path, HttpMethod... taken) {
    Route route = router.route(path);
    for (HttpMethod method : taken) {
      route.method(method);
      methods.computeIfAbsent(path, first -> new ArrayList<>()).add(method.name());
    }
    return route;
  }

  /** Each file has its own address: what is none of them is not there, whatever the method. */
  private void page(Router router) {
    String folder = RESOURCES + "page";
    StaticHandler files =
        StaticHandler.create(folder)
            .setDefaultContentEncoding("UTF-8")
            .setFilesReadOnly(false)
            // Names stay the same when the page changes, so browsers have to ask.
            .setMaxAgeSeconds(0);
    List<String> addresses = new ArrayList<>(List.of("/"));
    for (String file : vertx.fileSystem().readDirBlocking(folder)) {
      addresses.add("/" + Path.of(file).getFileName());
    }
    List<HttpMethod> reading = List.of(HttpMethod.GET, HttpMethod.HEAD);
    // A route for all that comes: below a path, the handler would look for a file that lies there,
    // and one for some methods would make unknown addresses a matter of the method.
    router
        .route()
        .handler(
            ctx -> {
              if (!addresses.contains(ctx.normalizedPath())) {
                ctx.next();
              } else if (reading.contains(ctx.request().method())) {
                pageHeaders(ctx);
                files.handle(ctx);
              } else {
                refuseMethod(ctx, List.of("GET", "HEAD"));
              }
            });
  }

  /** Comes after all routes, so what gets here has an address of theirs but no method. */
  private void refuseOtherMethods(Router router) {
    methods.forEach((path, taken) -> router.route(path).handler(ctx -> refuseMethod(ctx, taken)));
  }

  private void refuseMethod(RoutingContext ctx, List<String> taken) {
    ctx.response().putHeader("allow", String.join(", ", taken));
    answers.fail(ctx, Answers.ofStatus(405));
  }

  private static void requireBodyType(RoutingContext ctx) {
    String type = ctx.request().getHeader("content-type");
    String known = type == null ? "" : type.toLowerCase(Locale.ROOT);
    String kind = known.split(";", 2)[0].strip();
    if (!kind.equals("application/json") && !kind.equals("multipart/form-data")) {
      throw Answers.ofStatus(415);
    }
    if (kind.equals("multipart/form-data") && !known.matches(".*;\\s*boundary=\"?[^\";\\s].*")) {
      throw ApiFailure.badRequest(
          "invalid_value", null, "a form needs a boundary: got %s", Fields.shortened(type));
    }
    ctx.next();
  }

  /** For the files of a form, which are stored before anybody looks at them. */
  private void requireRoom(RoutingContext ctx) {
    if (!VideoRoutes.isForm(ctx)) {
      ctx.next();
      return;
    }
    HttpServerRequest request = ctx.request();
    String length = request.getHeader("content-length");
    request.pause(); // what comes meanwhile would be lost
    uploads
        .requireRoom(length == null ? 0 : Long.parseLong(length))
        .onFailure(
            full -> {
              answers.fail(ctx, full);
              request.resume();
            })
        .onSuccess(
            there -> {
              request.resume();
              if (!ctx.response().closed()) { // else nobody would learn that its body has no end
                ctx.next();
              }
            });
  }

  /** What a handler throws becomes its answer. */
  private io.vertx.core.Handler<RoutingContext> safely(Consumer<RoutingContext> handler) {
    return ctx -> {
      try {
        handler.accept(ctx);
      } catch (RuntimeException e) {
        answers.fail(ctx, e);
      }
    };
  }

  private static CorsHandler cors(Set<String> origins) {
    CorsHandler cors = CorsHandler.create();
    origins.forEach(cors::addOrigin);
    // Left open, it allows what is asked for: client libraries send headers of their own.
    return cors.allowedMethods(Set.of(HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE))
        .exposedHeaders(
            Set.of(
                "x-request-id",
                "x-video-id",
                "x-should-retry",
                "retry-after",
                "retry-after-ms",
                "openai-poll-after-ms",
                "accept-ranges",
                "content-range",
                "etag"));
  }

  private static void pageHeaders(RoutingContext ctx) {
    ctx.response()
        .putHeader(
            "content-security-policy",
            "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:;"
                + " connect-src 'self' ws: wss:; frame-ancestors 'none'")
        .putHeader("referrer-policy", "no-referrer");
  }

  private void openApi(RoutingContext ctx) {
    ctx.response()
        .putHeader("content-type", "application/yaml; charset=utf-8")
        .sendFile(RESOURCES + "openapi.yaml")
        .onFailure(failure -> answers.fail(ctx, failure));
  }

  private void models(RoutingContext ctx) {
    JsonArray data = new JsonArray();
    service().models().values().forEach(model -> data.add(VideoJson.of(model)));
    Answers.json(ctx, new JsonObject().put("object", "list").put("data", data));
  }

  private void model(RoutingContext ctx) {
    Answers.json(ctx, VideoJson.of(VideoFields.named(ctx.pathParam("model"), service().models())));
  }

  private void realtime(RoutingContext ctx) {
    Service open = service();
    String owner = Access.owner(ctx);
    String id = Operations.requestId(ctx);
    LongConsumer log = Operations.socketLog(ctx);
    Wire wire = Wire.of(ctx.request());
    if (!"websocket".equalsIgnoreCase(ctx.request().getHeader("upgrade"))) {
      ctx.response().putHeader("upgrade", "websocket");
      throw new ApiFailure(426, "upgrade_required", null, "this address is a WebSocket");
    }
    ctx.request()
        .toWebSocket()
        .onFailure(failure -> answers.fail(ctx, Answers.ofStatus(400)))
        .onSuccess(
            socket -> {
              slow.upgraded(ctx.request());
              new RealtimeSession(vertx, open, uploads, measures, socket, wire, owner, id, log);
            });
  }
}
