package dev.blockreel.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.blockreel.server.http.VideoFields.Asked;
import dev.blockreel.server.jobs.Accepted;
import dev.blockreel.server.jobs.Idempotency;
import dev.blockreel.server.jobs.Job;
import dev.blockreel.server.jobs.JobError;
import dev.blockreel.server.jobs.JobRecord;
import dev.blockreel.server.jobs.JobStatus;
import dev.blockreel.server.jobs.Jobs;
import dev.blockreel.server.streams.ClipRecorder;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.FileUpload;
import io.vertx.ext.web.RoutingContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/** {@code /v1/videos}: clips as jobs. */
final class VideoRoutes {
  private static final int POLL_MILLIS = 250;

  private final Vertx vertx;
  private final Supplier<Service> service;
  private final Uploads uploads;
  private final Answers answers;

  VideoRoutes(Vertx vertx, Supplier<Service> service, Uploads uploads, Answers answers) {
    this.vertx = vertx;
    this.service = service;
    this.uploads = uploads;
    this.answers = answers;
  }

  /** POST: takes a job on. */
  void create(RoutingContext ctx) {
    submit(ctx, false)
        .onFailure(failure -> answers.fail(ctx, failure))
        .onSuccess(accepted -> answer(ctx, accepted.job()));
  }

  /** POST sync: the finished file; the job ends with the last connection that waits for it. */
  void createSync(RoutingContext ctx) {
    submit(ctx, true)
        .onFailure(failure -> answers.fail(ctx, failure))
        .onSuccess(
            accepted -> {
              Job job = accepted.job();
              waitFor(ctx, job);
              over(job)
                  .onFailure(failure -> answers.fail(ctx, failure))
                  .onSuccess(record -> sendFinished(ctx, job, record));
            });
  }

  private void waitFor(RoutingContext ctx, Job job) {
    job.join();
    if (ctx.response().closed()) {
      leave(job);
    } else {
      ctx.addEndHandler(end -> leave(job));
    }
  }

  /** A job that was asked for without waiting goes on though nobody waits. */
  private void leave(Job job) {
    JobRecord record = job.record();
    if (job.leave() && record.session() && !record.status().over()) {
      service.get().jobs().cancel(job, JobError.CANCELLED);
    }
  }

  private void sendFinished(RoutingContext ctx, Job job, JobRecord record) {
    if (ctx.response().closed()) {
      return;
    }
    if (record.status() == JobStatus.FAILED) {
      Answers.answer(ctx.response(), ApiFailure.of(record.error())); // counted as the job's
      return;
    }
    Path file = job.file(ClipRecorder.VIDEO);
    ctx.response()
        .putHeader("content-type", "video/mp4")
        .putHeader("x-video-id", job.id())
        .sendFile(file.toString())
        .recover(failure -> ContentRoutes.gone(vertx, job, file, failure))
        .onFailure(failure -> answers.fail(ctx, failure));
  }

  private Future<JobRecord> over(Job job) {
    return Future.fromCompletionStage(job.over(), vertx.getOrCreateContext());
  }

  private Future<Accepted> submit(RoutingContext ctx, boolean session) {
    Service open = service.get();
    List<FileUpload> files = ctx.fileUploads().stream().filter(file -> !isUnused(file)).toList();
    for (FileUpload file : files) {
      if (!file.name().equals("input_reference") || files.size() > 1) {
        throw ApiFailure.badRequest(
            "unknown_parameter",
            Fields.shortened(file.name()),
            "one file is taken, input_reference: got %d, %s",
            files.size(),
            Fields.shortened(file.name()));
      }
    }
    Fields fields = fields(ctx);
    Asked asked = VideoFields.read(fields, open.models(), !files.isEmpty());
    if (asked.reference() != null && !files.isEmpty()) {
      throw ApiFailure.badRequest(
          "invalid_value", "input_reference", "input_reference is given twice");
    }
    String key = idempotencyKey(ctx);
    String owner = Access.owner(ctx);
    Future<Path> reference = Future.succeededFuture();
    if (!files.isEmpty()) {
      reference = uploads.check(Path.of(files.get(0).uploadedFileName()));
    } else if (asked.reference() != null) {
      reference = uploads.save(asked.reference());
    }
    return reference.compose(
        file ->
            idempotency(key, fields, files.isEmpty() ? null : file)
                .compose(
                    idempotency ->
                        Future.fromCompletionStage(
                            open.jobs().submit(asked.request(), file, owner, idempotency, session),
                            vertx.getOrCreateContext())));
  }

  /** Browsers send a file input that was left empty as a file without name and content. */
  private static boolean isUnused(FileUpload file) {
    return file.fileName().isEmpty() && file.size() == 0;
  }

  static Fields fields(RoutingContext ctx) {
    if (isForm(ctx)) {
      return Fields.of(ctx.request().formAttributes());
    }
    try {
      JsonObject json = ctx.body().asJsonObject();
      if (json == null) {
        throw ApiFailure.badRequest("invalid_json", null, "the body must be a JSON object");
      }
      return Fields.of(json);
    } catch (DecodeException | ClassCastException e) {
      throw ApiFailure.badRequest("invalid_json", null, "the body is no JSON object");
    }
  }

  static boolean isForm(RoutingContext ctx) {
    String type = ctx.request().getHeader("content-type");
    return type != null
        && type.toLowerCase(java.util.Locale.ROOT).startsWith("multipart/form-data");
  }

  private static String idempotencyKey(RoutingContext ctx) {
    String key = ctx.request().getHeader("idempotency-key");
    if (key == null || key.isEmpty()) {
      return null;
    }
    if (key.length() > 255) {
      throw ApiFailure.badRequest(
          "invalid_value", "Idempotency-Key", "Idempotency-Key is longer than 255 characters");
    }
    return key;
  }

  /**
   * @param key or null
   * @param file what was uploaded beside the fields, or null
   */
  private Future<Idempotency> idempotency(String key, Fields fields, Path file) {
    if (key == null) {
      return Future.succeededFuture();
    }
    return vertx.executeBlocking(
        () -> {
          String asked = fields.canonical();
          if (file != null) {
            asked += UUID.nameUUIDFromBytes(Files.readAllBytes(file));
          }
          return new Idempotency(key, UUID.nameUUIDFromBytes(asked.getBytes(UTF_8)).toString());
        });
  }

  private void answer(RoutingContext ctx, Job job) {
    if (!job.record().status().over()) {
      ctx.response().putHeader("openai-poll-after-ms", String.valueOf(POLL_MILLIS));
    }
    Answers.json(ctx, VideoJson.of(job, service.get().jobs()));
  }

  /** GET one. */
  void get(RoutingContext ctx) {
    answer(ctx, find(ctx));
  }

  /** The job that the address names. */
  Job find(RoutingContext ctx) {
    String id = ctx.pathParam("video_id");
    return service.get().jobs().find(id, Access.owner(ctx)).orElseThrow(() -> notFound(id));
  }

  static ApiFailure notFound(String id) {
    return ApiFailure.notFound("video_not_found", "there is no video %s", Fields.shortened(id));
  }

  /** GET all, page by page. */
  void list(RoutingContext ctx) {
    Fields query = Fields.of(ctx.queryParams());
    String after = query.text("after", 100);
    Long limit = query.integer("limit", 1, 100);
    String order = query.word("order", "asc", "desc");
    query.refuseOthers();
    Jobs jobs = service.get().jobs();
    Jobs.Page page =
        jobs.list(
            Access.owner(ctx),
            after,
            limit == null ? 20 : Math.toIntExact(limit),
            !"asc".equals(order));
    Answers.json(ctx, VideoJson.of(page, jobs));
  }

  /** DELETE: cancels and forgets. */
  void delete(RoutingContext ctx) {
    Job job = find(ctx);
    Future.fromCompletionStage(service.get().jobs().delete(job), vertx.getOrCreateContext())
        .onFailure(failure -> answers.fail(ctx, failure))
        .onSuccess(
            gone ->
                Answers.json(
                    ctx,
                    new JsonObject()
                        .put("id", job.id())
                        .put("object", "video.deleted")
                        .put("deleted", true)));
  }
}
