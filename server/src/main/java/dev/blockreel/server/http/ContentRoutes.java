package dev.blockreel.server.http;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.server.jobs.Job;
import dev.blockreel.server.jobs.JobRecord;
import dev.blockreel.server.jobs.JobStatus;
import dev.blockreel.server.operations.Measures;
import dev.blockreel.server.streams.ClipRecorder;
import dev.blockreel.server.streams.JpegImages;
import dev.blockreel.server.streams.LiveClip;
import dev.blockreel.server.streams.LiveStream;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileProps;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** The frames of a clip over HTTP: files, and streams while it is being made. */
final class ContentRoutes {
  private static final String BOUNDARY = "frame";

  private final Vertx vertx;
  private final Supplier<Service> service;
  private final Measures measures;
  private final Answers answers;

  ContentRoutes(Vertx vertx, Supplier<Service> service, Measures measures, Answers answers) {
    this.vertx = vertx;
    this.service = service;
    this.measures = measures;
    this.answers = answers;
  }

  /** GET content. */
  void content(RoutingContext ctx, Job job) {
    Fields query = Fields.of(ctx.queryParams());
    String variant = query.word("variant", "video", "thumbnail", "spritesheet");
    boolean stream = query.flag("stream", false);
    query.refuseOthers();
    if (stream) {
      if (variant != null && !variant.equals("video")) {
        throw ApiFailure.badRequest(
            "invalid_value", "variant", "only the video can be streamed: got %s", variant);
      }
      fragments(ctx, job);
      return;
    }
    requireCompleted(job);
    switch (variant == null ? "video" : variant) {
      case "thumbnail" -> file(ctx, job, ClipRecorder.THUMBNAIL, "image/png");
      case "spritesheet" -> file(ctx, job, ClipRecorder.SPRITESHEET, "image/png");
      default -> file(ctx, job, ClipRecorder.VIDEO, "video/mp4");
    }
  }

  private static void requireCompleted(Job job) {
    JobRecord record = job.record();
    if (record.status() == JobStatus.FAILED) {
      throw ApiFailure.notFound("video_failed", "this video failed: %s", record.error().message());
    }
    if (record.status() != JobStatus.COMPLETED) {
      throw ApiFailure.notFound(
              "video_not_ready", "this video is %s: no file yet", record.status().word())
          .retryAfter(1);
    }
  }

  /** Sends a file that never changes, whole or in part. */
  private void file(RoutingContext ctx, Job job, String name, String type) {
    Path path = job.file(name);
    HttpServerResponse response = ctx.response();
    EntityTag tag = new EntityTag("\"%s-%s\"".formatted(job.id(), name));
    response.putHeader("etag", tag.text()).putHeader("accept-ranges", "bytes");
    response.putHeader("cache-control", "private, no-cache").putHeader("content-type", type);
    vertx
        .fileSystem()
        .props(path.toString())
        .map(FileProps::size)
        .compose(size -> send(ctx, path, size, tag))
        .recover(failure -> gone(vertx, job, path, failure))
        .onFailure(failure -> answers.fail(ctx, failure));
  }

  /** Why a file could not be read: a job may be deleted or expire after it was looked up. */
  static <T> Future<T> gone(Vertx vertx, Job job, Path path, Throwable failure) {
    return vertx
        .fileSystem()
        .exists(path.toString())
        .compose(there -> Future.failedFuture(there ? failure : VideoRoutes.notFound(job.id())));
  }

  private static Future<Void> send(RoutingContext ctx, Path path, long size, EntityTag tag) {
    HttpServerResponse response = ctx.response();
    if (tag.isKnownTo(ctx.request())) {
      return response.setStatusCode(304).end();
    }
    if (isHead(ctx)) {
      return response.putHeader("content-length", String.valueOf(size)).end();
    }
    ByteRange range = tag.continues(ctx.request()) ? range(ctx, size) : null;
    if (range == null) {
      return response.sendFile(path.toString(), 0, size);
    }
    response
        .setStatusCode(206)
        .putHeader(
            "content-range",
            "bytes %d-%d/%d".formatted(range.from(), range.from() + range.length() - 1, size));
    return response.sendFile(path.toString(), range.from(), range.length());
  }

  /** The part that is asked for, or null for the whole. */
  private static ByteRange range(RoutingContext ctx, long size) {
    try {
      return ByteRange.of(ctx.request().getHeader("range"), size);
    } catch (ApiFailure e) {
      ctx.response().putHeader("content-range", "bytes */" + size);
      throw e;
    }
  }

  private void fragments(RoutingContext ctx, Job job) {
    Optional<LiveClip> live = job.live();
    if (live.isEmpty()) {
      requireCompleted(job);
      file(ctx, job, ClipRecorder.FRAGMENTS, "video/mp4");
      return;
    }
    ctx.response().putHeader("content-type", "video/mp4");
    stream(ctx, job, live.get().fragments(), "", chunk -> Buffer.buffer(chunk.bytes()), "");
  }

  /** GET preview.mjpeg. */
  void preview(RoutingContext ctx, Job job) {
    Optional<LiveClip> live = job.live();
    if (live.isPresent()) {
      images(ctx, job, live.get().images());
      return;
    }
    requireCompleted(job);
    Path file = job.file(ClipRecorder.VIDEO);
    Future.fromCompletionStage(
            service.get().engine().errand(() -> imagesOf(file)), vertx.getOrCreateContext())
        .recover(failure -> gone(vertx, job, file, failure))
        .onFailure(failure -> answers.fail(ctx, failure))
        .onSuccess(stream -> images(ctx, job, stream));
  }

  /** On the engine thread. */
  static LiveStream imagesOf(Path file) {
    Clip clip = ClipReader.read(file, ClipSampling.ALL);
    LiveStream stream = new LiveStream();
    try (JpegImages images = new JpegImages(stream, clip.width(), clip.height(), clip.fps())) {
      for (int t = 0; t < clip.frames(); t++) {
        images.add(clip.slice(t, t + 1));
      }
    }
    stream.end();
    return stream;
  }

  /** Browsers show an image when they see the boundary behind it, so that goes with it. */
  private void images(RoutingContext ctx, Job job, LiveStream images) {
    ctx.response().putHeader("content-type", "multipart/x-mixed-replace; boundary=" + BOUNDARY);
    stream(
        ctx,
        job,
        images,
        "--" + BOUNDARY,
        chunk ->
            Buffer.buffer(
                    "\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                        .formatted(chunk.bytes().length))
                .appendBytes(chunk.bytes())
                .appendString("\r\n--" + BOUNDARY),
        "--\r\n");
  }

  /** Whether a stream that has ended holds all frames; the files may still be in the making. */
  private static boolean isWhole(Job job) {
    JobStatus status = job.record().status();
    return status == JobStatus.COMPLETED || status == JobStatus.IN_PROGRESS;
  }

  private static boolean isHead(RoutingContext ctx) {
    return ctx.request().method().equals(HttpMethod.HEAD);
  }

  private void stream(
      RoutingContext ctx,
      Job job,
      LiveStream stream,
      String beginning,
      Function<LiveStream.Chunk, Buffer> message,
      String end) {
    HttpServerResponse response = ctx.response();
    if (response.closed()) {
      return;
    }
    response.setChunked(true).putHeader("cache-control", "no-store");
    response.putHeader("x-accel-buffering", "no"); // else nginx keeps frames until it has many
    if (isHead(ctx)) {
      response.end();
      return;
    }
    Wire wire = Wire.of(ctx.request());
    Backlog backlog = new Backlog(vertx, response, wire::cut);
    ChunkPump pump =
        new ChunkPump(
            vertx.getOrCreateContext(),
            stream,
            backlog,
            measures,
            new ChunkPump.Viewer() {
              @Override
              public boolean gone() {
                return response.closed();
              }

              @Override
              public void send(LiveStream.Chunk chunk) {
                response.write(message.apply(chunk));
              }

              @Override
              public void ended() {
                if (isWhole(job)) {
                  response.end(end);
                } else {
                  response.reset(); // an end in order would say that this was the whole clip
                }
              }

              @Override
              public void failed(RuntimeException cause) {
                answers.fail(ctx, cause);
              }
            });
    // The head goes at once: a player knows that it is connected before the first frame exists.
    response.writeHead();
    response.write(beginning);
    response.closeHandler(
        gone -> {
          pump.close();
          backlog.close();
        });
    pump.start();
  }
}
