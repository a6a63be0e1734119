package dev.blockreel.server.http;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.media.VideoFormat;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.jobs.DiskSpace;
import dev.blockreel.server.jobs.ImageStore;
import dev.blockreel.server.jobs.ImageWork;
import dev.blockreel.server.jobs.VideoRequest;
import dev.blockreel.server.operations.Measures;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** {@code /v1/images}: single images, in one answer or as events while they are being made. */
final class ImageRoutes {
  private static final List<String> FORMATS = List.of("png", "jpeg", "webp");
  private static final long HEARTBEAT_MILLIS = 5_000;
  private static final String TOO_LATE = "deadline_exceeded";

  private final Vertx vertx;
  private final Supplier<Service> service;
  private final Measures measures;
  private final Access access;
  private final Answers answers;

  ImageRoutes(
      Vertx vertx, Supplier<Service> service, Measures measures, Access access, Answers answers) {
    this.vertx = vertx;
    this.service = service;
    this.measures = measures;
    this.access = access;
    this.answers = answers;
  }

  /**
   * How the images are to be handed over.
   *
   * @param count how many
   * @param url whether as addresses
   * @param format png, jpeg or webp
   * @param quality of jpeg and webp, from 0 to 100
   * @param stream whether as events
   * @param partials incomplete images before each
   */
  private record Delivery(
      int count, boolean url, String format, int quality, boolean stream, int partials) {
    static Delivery read(Fields fields) {
      Long count = fields.integer("n", 1, 10);
      String response = fields.word("response_format", "b64_json", "url");
      String format = fields.word("output_format", "png", "jpeg", "webp");
      Long quality = fields.integer("output_compression", 0, 100);
      fields.word("quality", "auto", "low", "medium", "high", "standard", "hd");
      fields.word("background", "auto", "opaque");
      fields.text("user", 256);
      boolean stream = fields.flag("stream", false);
      Long partials = fields.integer("partial_images", 0, 3);
      if (!stream && partials != null && partials > 0) {
        throw new ApiFailure(
            400,
            "unsupported_parameter",
            "partial_images",
            "partial images are events: they need stream");
      }
      if (stream && "url".equals(response)) {
        throw new ApiFailure(
            400, "unsupported_parameter", "response_format", "events hold images, not addresses");
      }
      return new Delivery(
          count == null ? 1 : Math.toIntExact(count),
          "url".equals(response),
          format == null ? "png" : format,
          quality == null ? VideoFormat.BEST : Math.toIntExact(quality),
          stream,
          partials == null ? 0 : Math.toIntExact(partials));
    }
  }

  /** POST generations. */
  void create(RoutingContext ctx) {
    if (VideoRoutes.isForm(ctx)) {
      throw new ApiFailure(415, "unsupported_media_type", null, "the body must be JSON");
    }
    Service open = service.get();
    Fields fields = VideoRoutes.fields(ctx);
    Delivery delivery = Delivery.read(fields);
    VideoRequest request = VideoFields.readImage(fields, open.models(), delivery.count);
    if (delivery.count > open.jobs().limits().perOwner()) {
      throw ApiFailure.badRequest(
          "invalid_value",
          "n",
          "each image counts as one of the %d that a key may have at once: got %d",
          open.jobs().limits().perOwner(),
          delivery.count);
    }
    String owner = Access.owner(ctx);
    Events events = delivery.stream ? new Events(ctx, request, delivery) : null;
    List<ImageWork> works = new ArrayList<>();
    for (int i = 0; i < delivery.count; i++) {
      int image = i;
      works.add(
          new ImageWork(
              request.withSeed(request.seed() + i),
              owner,
              delivery.format,
              delivery.quality,
              open.models().get(request.model()).firstFrameBlocks(request.mode()),
              delivery.partials,
              bytes -> events.partial(image, bytes),
              open.images(),
              measures));
    }
    EngineFailure cancelled = new EngineFailure(FailureCode.CANCELLED, "the request was cancelled");
    Runnable cancel = () -> works.forEach(work -> open.jobs().cancel(work, cancelled));
    open.jobs().submit(works);
    if (events != null) {
      events.begin();
    }
    AtomicBoolean late = new AtomicBoolean();
    long deadline =
        vertx.setTimer(
            open.jobs().limits().jobTime().toMillis() + 1,
            now -> {
              late.set(true);
              measures.failed(TOO_LATE); // of its images, which are cancelled, none knows why
              cancel.run();
            });
    ctx.response().closeHandler(gone -> cancel.run());
    List<Future<Void>> images = new ArrayList<>();
    for (int i = 0; i < works.size(); i++) {
      int number = i;
      Future<byte[]> image =
          Future.fromCompletionStage(works.get(i).image(), vertx.getOrCreateContext());
      images.add(
          events == null
              ? image.mapEmpty()
              : image.compose(bytes -> events.completed(number, bytes)));
    }
    Future.all(images)
        .onComplete(over -> vertx.cancelTimer(deadline))
        .onFailure(
            failure -> {
              cancel.run();
              ApiFailure reason = late.get() ? tooLate(open) : Answers.failure(failure);
              if (events == null) {
                Answers.answer(ctx.response(), reason);
              } else {
                events.failed(reason);
              }
            })
        .onSuccess(
            all -> {
              if (events == null) {
                answer(ctx, delivery, works);
              } else {
                events.done();
              }
            });
  }

  private static ApiFailure tooLate(Service open) {
    return new ApiFailure(
        500,
        TOO_LATE,
        null,
        "the images were not made within %d seconds"
            .formatted(open.jobs().limits().jobTime().toSeconds()));
  }

  private void answer(RoutingContext ctx, Delivery delivery, List<ImageWork> works) {
    String images = access.address(ctx.request()) + "/v1/images";
    // Megabytes of base64: not on the event loop.
    vertx
        .executeBlocking(() -> body(delivery, works, images).toBuffer())
        .onFailure(failure -> answers.fail(ctx, failure))
        .onSuccess(body -> Answers.json(ctx, body));
  }

  /**
   * @param images where images are fetched
   */
  private JsonObject body(Delivery delivery, List<ImageWork> works, String images)
      throws IOException {
    JsonArray data = new JsonArray();
    for (ImageWork work : works) {
      JsonObject json = new JsonObject().put("seed", work.request().seed());
      if (work.request().classLabel() != null) {
        json.put("revised_prompt", work.request().classLabel());
      }
      byte[] bytes = work.image().join(); // completed already
      data.add(
          delivery.url
              ? json.put("url", images + "/" + keep(bytes, delivery.format) + "/content")
              : json.put("b64_json", base64(bytes)));
    }
    VideoRequest request = works.get(0).request();
    return new JsonObject()
        .put("created", System.currentTimeMillis() / 1000)
        .put("data", data)
        .put("output_format", delivery.format)
        .put("size", size(request))
        .put("usage", usage(request, works.size()));
  }

  private String keep(byte[] bytes, String format) throws IOException {
    ImageStore store = service.get().images();
    String id = store.newId();
    DiskSpace.write(store.file(id, format), bytes);
    return id;
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static String size(VideoRequest request) {
    return request.width() + "x" + request.height();
  }

  private JsonObject usage(VideoRequest request, int images) {
    ServedModel model = service.get().models().get(request.model());
    long output = (long) images * model.tokensPerFrame();
    return new JsonObject()
        .put("input_tokens", images)
        .put("output_tokens", output)
        .put("total_tokens", images + output)
        .put(
            "input_tokens_details",
            new JsonObject().put("text_tokens", images).put("image_tokens", 0));
  }

  /** GET content of a kept image. */
  void content(RoutingContext ctx) {
    String id = ctx.pathParam("image_id");
    ImageStore store = service.get().images();
    if (!ImageStore.isId(id)) {
      throw notFound();
    }
    Future<Void> sent = Future.failedFuture(notFound());
    for (String format : FORMATS) {
      sent = sent.recover(missing -> send(ctx, store.file(id, format), format));
    }
    sent.onFailure(failure -> answers.fail(ctx, notFound()));
  }

  private Future<Void> send(RoutingContext ctx, Path file, String format) {
    return vertx
        .fileSystem()
        .props(file.toString())
        .compose(
            there ->
                ctx.response()
                    .putHeader("content-type", "image/" + format)
                    .putHeader("cache-control", "private, max-age=3600")
                    .sendFile(file.toString()));
  }

  private static ApiFailure notFound() {
    return ApiFailure.notFound("image_not_found", "there is no such image");
  }

  /**
   * Server-sent events, written on the context of their request. The first one, or the first sign
   * of life where that takes long, makes the answer a stream: what fails before it, such as what
   * the engine refuses, is answered as anywhere else.
   */
  private final class Events {
    private final HttpServerResponse response;
    private final Context context = vertx.getOrCreateContext();
    private final VideoRequest request;
    private final Delivery delivery;
    private final int[] partials;
    private long heartbeat = -1;

    Events(RoutingContext ctx, VideoRequest request, Delivery delivery) {
      this.response = ctx.response();
      this.request = request;
      this.delivery = delivery;
      this.partials = new int[delivery.count];
    }

    /** The work is taken on. */
    void begin() {
      // A comment, which clients skip: a proxy hangs up where it hears nothing for long.
      heartbeat = vertx.setPeriodic(HEARTBEAT_MILLIS, now -> write(":\n\n"));
    }

    /** Called on the engine thread. */
    void partial(int image, byte[] bytes) {
      int index = partials[image]++;
      Future<Void> unused =
          send(
              "image_generation.partial_image",
              () -> event(image, bytes).put("partial_image_index", index));
    }

    Future<Void> completed(int image, byte[] bytes) {
      return send(
          "image_generation.completed", () -> event(image, bytes).put("usage", usage(request, 1)));
    }

    private JsonObject event(int image, byte[] bytes) {
      return new JsonObject()
          .put("b64_json", base64(bytes))
          .put("image_index", image)
          .put("created_at", System.currentTimeMillis() / 1000)
          .put("size", size(request))
          .put("quality", "auto")
          .put("background", "opaque")
          .put("output_format", delivery.format);
    }

    /** Events are made off the event loop, one after the other, and sent in that order. */
    private Future<Void> send(String type, Supplier<JsonObject> data) {
      return context
          .executeBlocking(
              () ->
                  "event: %s\ndata: %s\n\n".formatted(type, data.get().put("type", type).encode()))
          .map(
              text -> {
                write(text);
                return null;
              });
    }

    private void write(String text) {
      if (response.closed() || response.ended()) {
        return;
      }
      if (!response.headWritten()) {
        response.setChunked(true).putHeader("content-type", "text/event-stream");
        response.putHeader("cache-control", "no-store");
        response.putHeader("x-accel-buffering", "no");
      }
      response.write(text);
    }

    void failed(ApiFailure failure) {
      if (response.headWritten()) {
        write("event: error\ndata: %s\n\n".formatted(failure.body().encode()));
      } else {
        Answers.answer(response, failure);
      }
      end();
    }

    void done() {
      write("data: [DONE]\n\n");
      end();
    }

    private void end() {
      vertx.cancelTimer(heartbeat);
      if (!response.closed() && !response.ended()) {
        response.end();
      }
    }
  }
}
