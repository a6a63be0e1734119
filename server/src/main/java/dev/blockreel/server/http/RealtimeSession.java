package dev.blockreel.server.http;

import dev.blockreel.server.jobs.Job;
import dev.blockreel.server.jobs.JobError;
import dev.blockreel.server.jobs.JobRecord;
import dev.blockreel.server.jobs.JobStatus;
import dev.blockreel.server.operations.Measures;
import dev.blockreel.server.streams.ClipRecorder;
import dev.blockreel.server.streams.CodecString;
import dev.blockreel.server.streams.LiveClip;
import dev.blockreel.server.streams.LiveStream;
import dev.blockreel.server.streams.LiveStream.Chunk;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * One WebSocket of {@code /v1/realtime/video}: JSON messages beside binary chunks. It makes a clip,
 * which ends with it, or watches one. All on the socket's context.
 */
final class RealtimeSession {
  private static final String JPEG = "image/jpeg";
  private static final long START_MILLIS = 10_000;
  private static final long QUEUE_MILLIS = 200;
  private static final int CONTROL_BYTES = 128 << 10;
  private static final int EVENT_ID_CHARACTERS = 200;

  private final Vertx vertx;
  private final Context context;
  private final Service service;
  private final Uploads uploads;
  private final Measures measures;
  private final BoundedSocket socket;
  private final String owner;
  private final String requestId;
  private final LongConsumer log;
  private final long startTimer;
  private long queueTimer = -1;
  private int lastPosition;
  private boolean startSeen;
  private boolean makes;
  private boolean stopped;
  private boolean announced;
  private boolean jpeg;
  private int lastBlocks;
  private Job job;
  private LiveClip live;
  private Runnable unlisten = () -> {};
  private ChunkPump pump;

  /**
   * @param log called with the bytes that were sent, once it is over
   */
  RealtimeSession(
      Vertx vertx,
      Service service,
      Uploads uploads,
      Measures measures,
      ServerWebSocket socket,
      Wire wire,
      String owner,
      String requestId,
      LongConsumer log) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.service = service;
    this.uploads = uploads;
    this.measures = measures;
    this.socket =
        new BoundedSocket(
            vertx, socket, wire, () -> fail("too_slow", "nothing was read for a minute", 1008));
    this.owner = owner;
    this.requestId = requestId;
    this.log = log;
    this.startTimer =
        vertx.setTimer(
            START_MILLIS,
            late -> fail("start_timeout", "no session.start came within 10 seconds", 1008));
    this.socket.onText(this::message);
    socket.binaryMessageHandler(
        bytes -> fail("invalid_value", "messages are JSON texts: got a binary one", 1008));
    socket.closeHandler(gone -> closed());
    socket.exceptionHandler(this::broken);
    // Who waits for a clip was told already what becomes of it.
    socket.shutdownHandler(now -> this.socket.close(1001, "the server is shutting down"));
  }

  private void broken(Throwable cause) {
    if (cause instanceof CorruptedWebSocketFrameException frame) {
      refuseFrame(frame.closeStatus().code());
    } else if (cause instanceof IllegalStateException) { // its parts are too long together
      refuseFrame(WebSocketCloseStatus.MESSAGE_TOO_BIG.code());
    } else {
      socket.close(1000, null);
    }
  }

  private void refuseFrame(int closeCode) {
    if (closeCode == WebSocketCloseStatus.MESSAGE_TOO_BIG.code()) {
      fail("message_too_large", "messages have up to 4 MiB", closeCode);
    } else {
      fail("invalid_value", "what came is no frame of a WebSocket", closeCode);
    }
  }

  private void message(String text) {
    int bytes = ByteBufUtil.utf8Bytes(text);
    if (bytes > Api.WEB_SOCKET_BYTES) {
      refuseFrame(WebSocketCloseStatus.MESSAGE_TOO_BIG.code());
      return;
    }
    JsonObject message;
    try {
      message = new JsonObject(text);
    } catch (DecodeException | ClassCastException e) {
      fail("invalid_json", "a message is no JSON object", 1008);
      return;
    }
    Object type = message.getValue("type");
    if (!"session.start".equals(type) && bytes > CONTROL_BYTES) {
      fail("message_too_large", "control messages have up to 128 KiB", 1008);
      return;
    }
    try {
      switch (String.valueOf(type)) {
        case "session.start" -> start(message);
        case "session.stop" -> stop();
        case "session.ping" -> pong(message);
        case "session.interaction" -> refuseInteraction(message);
        default -> fail("invalid_value", "unknown message type " + Fields.shortened(type), 1008);
      }
    } catch (RuntimeException e) {
      fail(e);
    }
  }

  private void pong(JsonObject message) {
    Fields fields = Fields.of(message);
    JsonObject pong = new JsonObject().put("type", "session.pong");
    String id = fields.text("event_id", EVENT_ID_CHARACTERS);
    if (id != null) {
      pong.put("event_id", id);
    }
    socket.send(pong);
  }

  private void refuseInteraction(JsonObject message) {
    String id = Fields.of(message).group("interaction").text("event_id", EVENT_ID_CHARACTERS);
    JsonObject error =
        error(
            "unsupported_parameter",
            "interaction",
            "no model here changes its prompt while it runs");
    socket.send(error.put("event_id", id).put("retryable", true));
  }

  private void start(JsonObject message) {
    if (startSeen) {
      fail("invalid_value", "this session was started already", 1008);
      return;
    }
    startSeen = true;
    vertx.cancelTimer(startTimer);
    Fields fields = Fields.of(message);
    fields.text("type", 100);
    String format = fields.word("format", "m4s", "jpeg");
    jpeg = "jpeg".equals(format);
    String id = fields.text("video_id", 200);
    if (id != null) {
      fields.refuseOthers();
      watch(service.jobs().find(id, owner).orElseThrow(() -> VideoRoutes.notFound(id)));
      return;
    }
    makes = true;
    VideoFields.Asked asked = VideoFields.read(fields, service.models(), false);
    Future<Path> reference =
        asked.reference() == null ? Future.succeededFuture() : uploads.save(asked.reference());
    reference
        .compose(
            file ->
                Future.fromCompletionStage(
                    service.jobs().submit(asked.request(), file, owner, null, true), context))
        .onFailure(this::fail)
        .onSuccess(accepted -> watch(accepted.job()));
  }

  private void watch(Job found) {
    job = found;
    if (socket.gone()) {
      cancel(); // the viewer left while the job was being stored
      return;
    }
    if (stopped) {
      cancel();
    }
    Optional<LiveClip> streams = job.live();
    if (streams.isPresent()) {
      live = streams.get();
      unlisten = job.listen(() -> context.runOnContext(now -> progressed()));
      queueTimer = vertx.setPeriodic(QUEUE_MILLIS, now -> tellPosition());
      tellPosition();
      pump(jpeg ? live.images() : live.fragments());
    } else if (job.record().status() == JobStatus.COMPLETED) {
      watchFinished();
    } else {
      tellEnd();
    }
  }

  private void watchFinished() {
    Path file = job.file(jpeg ? ClipRecorder.VIDEO : ClipRecorder.FRAGMENTS);
    Future<LiveStream> stream =
        jpeg
            ? Future.fromCompletionStage(
                service.engine().errand(() -> ContentRoutes.imagesOf(file)), context)
            : vertx
                .fileSystem()
                .readFile(file.toString())
                .map(bytes -> LiveStream.ofFragments(bytes.getBytes()));
    stream
        .recover(failure -> ContentRoutes.gone(vertx, job, file, failure))
        .onFailure(this::fail)
        .onSuccess(this::pump);
  }

  private void pump(LiveStream stream) {
    if (socket.gone()) {
      return;
    }
    pump =
        new ChunkPump(
            context,
            stream,
            socket.backlog(),
            measures,
            new ChunkPump.Viewer() {
              @Override
              public boolean gone() {
                return socket.gone();
              }

              @Override
              public void send(Chunk chunk) {
                sendChunk(chunk);
              }

              @Override
              public void ended() {
                tellEnd();
              }

              @Override
              public void failed(RuntimeException cause) {
                fail(cause);
              }
            });
    pump.start();
  }

  private void tellPosition() {
    int position = service.jobs().position(job);
    if (position > 0 && position != lastPosition && !socket.gone()) {
      lastPosition = position;
      socket.send(
          new JsonObject()
              .put("type", "queue_status")
              .put("video_id", job.id())
              .put("position", position)
              .put("queue_depth", service.jobs().queueDepth()));
    }
  }

  private void progressed() {
    if (socket.gone() || job.record().status() != JobStatus.IN_PROGRESS) {
      return;
    }
    vertx.cancelTimer(queueTimer);
    if (!announced && live.mimeType() != null) {
      announce(jpeg ? JPEG : live.mimeType());
    }
    // A viewer who is behind with his frames need not know of every step.
    if (announced && job.blocksDone() > lastBlocks && !socket.backlog().isFull()) {
      lastBlocks = job.blocksDone();
      socket.send(
          new JsonObject()
              .put("type", "video.progress")
              .put("blocks_done", lastBlocks)
              .put("blocks_total", job.blocksTotal())
              .put("progress", job.progress()));
    }
  }

  private void announce(String mimeType) {
    announced = true;
    var request = job.record().request();
    socket.send(
        new JsonObject()
            .put("type", "video.start")
            .put("request_id", requestId)
            .put("video_id", job.id())
            .put("format", jpeg ? "jpeg" : "m4s")
            .put(
                "config",
                new JsonObject()
                    .put("model", request.model())
                    .put("width", request.width())
                    .put("height", request.height())
                    .put("fps", request.fps())
                    .put("num_frames", request.frames())
                    .put("seed", request.seed())
                    .put("class_label", request.classLabel())
                    .put("blocks_total", job.blocksTotal())
                    .put("mime_type", mimeType)));
  }

  private void sendChunk(Chunk chunk) {
    if (!announced) {
      announce(jpeg ? JPEG : CodecString.of(chunk.bytes())); // the first one is the header
    }
    String kind =
        switch (chunk.kind()) {
          case INIT -> "init";
          case MEDIA -> "media";
          case TRAILER -> "trailer";
        };
    socket.send(
        new JsonObject()
            .put("type", "video.chunk_metadata")
            .put("kind", kind)
            .put("num_frames", chunk.frames())
            .put("byte_length", chunk.bytes().length)
            .put("generation_chunk_index", chunk.firstFrame())
            .put("transport_chunk_index", pump.sent() - 1));
    socket.send(chunk.bytes());
  }

  /** All that will ever be was sent. */
  private void tellEnd() {
    Future.fromCompletionStage(job.over(), context)
        .map(
            record -> {
              ended(record);
              return record;
            })
        .onFailure(this::fail);
  }

  private void ended(JobRecord record) {
    if (record.status() == JobStatus.FAILED && !stopped) {
      ApiFailure failure = ApiFailure.of(record.error());
      boolean own = record.error().code().equals(JobError.CANCELLED.code());
      fail(
          error(failure.code(), failure.param(), failure.getMessage()),
          own ? 1008 : closeCode(failure));
      return;
    }
    done();
  }

  private void done() {
    if (socket.gone()) {
      return;
    }
    JsonObject done =
        new JsonObject()
            .put("type", "session.done")
            .put("chunks", pump == null ? 0 : pump.sent())
            .put("stopped", stopped);
    if (job != null) {
      done.put("video", VideoJson.of(job, service.jobs()));
    }
    socket.send(done);
    socket.close(1000, null);
  }

  private void stop() {
    stopped = true;
    if (job == null) {
      if (!startSeen) {
        done();
      }
      return; // else watch() sees it, once the job is there
    }
    if (makes && !job.record().status().over()) {
      cancel(); // the pump then ends, and the session with it
    } else {
      closePump();
      done();
    }
  }

  private void cancel() {
    if (makes) {
      service.jobs().cancel(job, JobError.CANCELLED);
    }
  }

  private void fail(Throwable cause) {
    ApiFailure failure = Answers.failure(cause);
    JsonObject error = error(failure.code(), failure.param(), failure.getMessage());
    error.mergeIn(failure.more());
    if (failure.retrySeconds() > 0) {
      error.put("retry_after_ms", 1000 * failure.retrySeconds());
    }
    fail(error, closeCode(failure));
  }

  /** Later, the server's fault, or the client's. */
  private static int closeCode(ApiFailure failure) {
    int status = failure.status();
    return status == 429 || status == 503 ? 1013 : status >= 500 ? 1011 : 1008;
  }

  private void fail(String code, String message, int closeCode) {
    fail(error(code, null, message), closeCode);
  }

  private void fail(JsonObject error, int closeCode) {
    if (!socket.gone()) {
      socket.send(error.put("retryable", closeCode == 1013));
      socket.close(closeCode, null);
    }
  }

  private JsonObject error(String code, String param, String message) {
    return new JsonObject()
        .put("type", "error")
        .put("message", message)
        .put("code", code)
        .put("param", param)
        .put("request_id", requestId)
        .put("event_id", null);
  }

  private void closePump() {
    unlisten.run();
    vertx.cancelTimer(queueTimer);
    if (pump != null) {
      pump.close();
    }
  }

  private void closed() {
    vertx.cancelTimer(startTimer);
    closePump();
    socket.closed();
    log.accept(socket.bytes());
    if (job != null && !job.record().status().over()) {
      cancel();
    }
  }
}
