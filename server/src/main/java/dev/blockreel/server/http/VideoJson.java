package dev.blockreel.server.http;

import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.SamplingOptions;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.jobs.Job;
import dev.blockreel.server.jobs.JobRecord;
import dev.blockreel.server.jobs.JobStatus;
import dev.blockreel.server.jobs.Jobs;
import dev.blockreel.server.jobs.VideoRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.util.List;

/** Jobs and models as the API shows them. */
final class VideoJson {
  private VideoJson() {}

  /** A job. */
  static JsonObject of(Job job, Jobs jobs) {
    JobRecord record = job.record();
    VideoRequest request = record.request();
    JsonObject json =
        new JsonObject()
            .put("id", record.id())
            .put("object", "video")
            .put("model", request.model())
            .put("status", record.status().word())
            .put("progress", job.progress())
            .put("created_at", record.createdAt() / 1000)
            .put("completed_at", seconds(record.completedAt()))
            .put("expires_at", seconds(record.expiresAt()))
            .put("prompt", request.prompt())
            .put("size", request.width() + "x" + request.height())
            .put("seconds", decimal(request.frames() / request.fps()))
            .put("remixed_from_video_id", null)
            .put("error", error(record));
    int position = record.status() == JobStatus.QUEUED ? jobs.position(job) : 0;
    return json.put("seed", request.seed())
        .put("class_label", request.classLabel())
        .put("num_frames", request.frames())
        .put("fps", request.fps())
        .put("frames_done", job.framesDone())
        .put("blocks_done", job.blocksDone())
        .put("blocks_total", job.blocksTotal())
        .put("queue_position", position == 0 ? null : position)
        .put(
            "extra_params",
            options(request.options(), request.mode(), jobs.options(request.model())))
        .put("time_to_first_frame_s", between(record.createdAt(), record.firstFrameAt()))
        .put("inference_time_s", between(record.startedAt(), record.completedAt()));
  }

  private static Long seconds(long millis) {
    return millis == 0 ? null : Long.valueOf(millis / 1000);
  }

  private static Double between(long from, long to) {
    return from == 0 || to == 0 ? null : Double.valueOf(Math.max(0, to - from) / 1000.0);
  }

  private static String decimal(double number) {
    return new BigDecimal(number)
        .setScale(3, java.math.RoundingMode.HALF_UP)
        .stripTrailingZeros()
        .toPlainString();
  }

  private static JsonObject error(JobRecord record) {
    return record.error() == null
        ? null
        : new JsonObject()
            .put("code", record.error().code())
            .put("message", record.error().message());
  }

  /** Those that the model takes. */
  private static JsonObject options(
      SamplingOptions options, GenerationRequest.Mode mode, List<String> taken) {
    JsonObject json =
        new JsonObject()
            .put("temperature", options.temperature())
            .put("top_k", options.topK())
            .put("top_p", options.topP())
            .put("cfg_scale", options.cfg())
            .put("num_inference_steps", options.flow().steps());
    if (mode == GenerationRequest.Mode.NTP) {
      json.put("block_size", 1);
    }
    json.getMap().keySet().retainAll(taken);
    return json;
  }

  /** A page of jobs. */
  static JsonObject of(Jobs.Page page, Jobs jobs) {
    List<Job> all = page.jobs();
    JsonArray data = new JsonArray();
    all.forEach(job -> data.add(of(job, jobs)));
    return new JsonObject()
        .put("object", "list")
        .put("data", data)
        .put("first_id", all.isEmpty() ? null : all.get(0).id())
        .put("last_id", all.isEmpty() ? null : all.get(all.size() - 1).id())
        .put("has_more", page.more());
  }

  /** A model. */
  static JsonObject of(ServedModel model) {
    return new JsonObject()
        .put("id", model.name())
        .put("object", "model")
        .put("created", model.created())
        .put("owned_by", "blockreel")
        .put("kind", model.kind())
        .put("media", model.frames() > 1 ? "video" : "image")
        .put("classes", new JsonArray(model.classes()))
        .put("width", model.width())
        .put("height", model.height())
        .put("frames", model.frames())
        .put("fps", model.frames() > 1 ? model.fps() : 0)
        .put("blocks", model.blocks())
        .put("options", new JsonArray(model.options()))
        .put("defaults", defaults(model))
        .put("takes_reference", model.takesReference())
        .put("licence", model.licence())
        .put("attribution", model.attribution());
  }

  private static JsonObject defaults(ServedModel model) {
    List<String> taken = model.options();
    JsonObject json = options(model.defaults(), GenerationRequest.Mode.NBP, taken);
    if (taken.contains("block_size")) {
      json.put("block_size", model.blockSize());
    }
    return json.put("prediction_unit", model.unit());
  }
}
