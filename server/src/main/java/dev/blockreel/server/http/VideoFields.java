package dev.blockreel.server.http;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.SamplingOptions;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.jobs.VideoRequest;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Checks the fields of a request for a clip and makes a record of them. Nothing is ignored in
 * silence: what a model cannot do fails with the name of the field.
 */
final class VideoFields {
  private static final int LONGEST_PROMPT = 32_000;
  private static final long LARGEST_SEED = (1L << 53) - 1; // what JSON numbers hold exactly

  private VideoFields() {}

  /**
   * What was asked for.
   *
   * @param request the clip
   * @param reference a data address that the clip begins with, or null
   */
  record Asked(VideoRequest request, String reference) {}

  /**
   * @param upload whether a file to begin with came along
   * @throws ApiFailure 400 or 404
   */
  static Asked read(Fields fields, Map<String, ServedModel> models, boolean upload) {
    ServedModel model = model(fields, models);
    Fields extra = fields.group("extra_params");
    String reference = reference(fields);
    Long seed = fields.integer("seed", 0, LARGEST_SEED);
    checkSize(fields, model);
    double fps = or(fields.number("fps", 1, 240), model.fps());
    int frames = frames(fields, model, fps);
    if (!or(fields.text("negative_prompt", LONGEST_PROMPT), "").isEmpty()) {
      throw unsupported("negative_prompt", "no model here takes a negative prompt");
    }
    Prompt prompt = prompt(fields, extra, model);
    SamplingOptions options = options(fields, extra, model);
    GenerationRequest.Mode mode = mode(extra, model);
    extra.refuseOthers();
    fields.refuseOthers();
    boolean given = upload || reference != null;
    if (model.needsReference() && !given) {
      throw ApiFailure.badRequest(
          "missing_parameter",
          "input_reference",
          "%s continues clips: it needs an input_reference",
          model.name());
    }
    if (given && !model.takesReference()) {
      throw unsupported("input_reference", model.name() + " continues no clips");
    }
    return new Asked(request(model, prompt, seed, frames, fps, options, mode, given), reference);
  }

  /**
   * The same for an image: of video models the first frame of a clip.
   *
   * @param count images of one request; those after the first have the next seeds
   * @throws ApiFailure 400 or 404
   */
  static VideoRequest readImage(Fields fields, Map<String, ServedModel> models, int count) {
    ServedModel model = model(fields, models);
    if (model.needsReference()) {
      throw unsupported("model", model.name() + " continues clips: it makes no images");
    }
    Fields extra = fields.group("extra_params");
    Long seed = fields.integer("seed", 0, LARGEST_SEED - (count - 1));
    checkSize(fields, model);
    if (!or(fields.text("negative_prompt", LONGEST_PROMPT), "").isEmpty()) {
      throw unsupported("negative_prompt", "no model here takes a negative prompt");
    }
    Prompt prompt = prompt(fields, extra, model);
    SamplingOptions options = options(fields, extra, model);
    GenerationRequest.Mode mode = mode(extra, model);
    extra.refuseOthers();
    fields.refuseOthers();
    return request(model, prompt, seed, 1, model.fps(), options, mode, false);
  }

  private static VideoRequest request(
      ServedModel model,
      Prompt prompt,
      Long seed,
      int frames,
      double fps,
      SamplingOptions options,
      GenerationRequest.Mode mode,
      boolean given) {
    return new VideoRequest(
        model.name(),
        prompt.text,
        prompt.choice == null ? null : prompt.choice.label(),
        prompt.choice == null ? 0 : prompt.choice.number(),
        seed == null ? ThreadLocalRandom.current().nextLong(1L << 31) : seed,
        model.width(),
        model.height(),
        frames,
        fps,
        options,
        mode,
        given);
  }

  static ServedModel model(Fields fields, Map<String, ServedModel> models) {
    String name = fields.text("model", 200);
    if (name == null) {
      return models.values().iterator().next();
    }
    return named(name, models);
  }

  /** A model by its name. */
  static ServedModel named(String name, Map<String, ServedModel> models) {
    ServedModel model = models.get(name);
    if (model == null) {
      throw new ApiFailure(
          404,
          "model_not_found",
          "model",
          "there is no model %s: this server has %s"
              .formatted(Fields.shortened(name), String.join(", ", models.keySet())));
    }
    return model;
  }

  private record Prompt(String text, ClassChoice choice) {}

  private static Prompt prompt(Fields fields, Fields extra, ServedModel model) {
    String text = fields.text("prompt", LONGEST_PROMPT);
    String label = extra.nameOrNumber("class_label");
    if (text == null || text.isBlank()) {
      throw ApiFailure.badRequest(
          "missing_parameter", "prompt", "prompt is needed: what shall be made?");
    }
    if (model.classes().isEmpty()) {
      if (label != null) {
        throw unsupported("extra_params.class_label", model.name() + " has no classes");
      }
      return new Prompt(text, null);
    }
    return new Prompt(
        text,
        label == null
            ? ClassChoice.of(model, "prompt", text)
            : ClassChoice.of(model, "extra_params.class_label", label));
  }

  private static void checkSize(Fields fields, ServedModel model) {
    String own = model.width() + "x" + model.height();
    String size = fields.text("size", 20);
    if (size != null && !size.equals(own) && !size.equals("auto")) {
      throw ApiFailure.badRequest(
          "invalid_value", "size", "%s makes %s: got %s", model.name(), own, size);
    }
    checkSide(fields, model, "width", model.width());
    checkSide(fields, model, "height", model.height());
  }

  private static void checkSide(Fields fields, ServedModel model, String name, int own) {
    Long side = fields.integer(name, 1, 16_384);
    if (side != null && side != own) {
      throw ApiFailure.badRequest(
          "invalid_value",
          name,
          "%s makes %dx%d: got %s %d",
          model.name(),
          model.width(),
          model.height(),
          name,
          side);
    }
  }

  private static int frames(Fields fields, ServedModel model, double fps) {
    Long frames = fields.integer("num_frames", 1, 100_000);
    String seconds = fields.text("seconds", 20);
    if (seconds != null && !seconds.matches("[0-9]{1,4}(\\.[0-9]{1,3})?")) {
      throw ApiFailure.badRequest(
          "invalid_value",
          "seconds",
          "seconds must be a number as text, such as \"2\": got %s",
          Fields.shortened(seconds));
    }
    String param = frames != null ? "num_frames" : "seconds";
    long wanted = model.frames();
    if (frames != null) {
      wanted = frames;
    } else if (seconds != null) {
      wanted = Math.round(Double.parseDouble(seconds) * fps);
    }
    if (wanted < 1 || wanted > model.frames()) {
      throw ApiFailure.badRequest(
          "invalid_value",
          param,
          "%s makes 1 to %d frames, %.3f seconds at %s fps: got %d frames",
          model.name(),
          model.frames(),
          model.frames() / fps,
          fps,
          wanted);
    }
    return (int) wanted;
  }

  private static String reference(Fields fields) {
    if (!fields.has("input_reference")) {
      fields.group("input_reference");
      return null;
    }
    Fields reference = fields.group("input_reference");
    String url = reference.text("image_url", Integer.MAX_VALUE);
    if (reference.text("file_id", 200) != null) {
      throw unsupported("input_reference.file_id", "this server stores no files");
    }
    reference.refuseOthers();
    if (url == null) {
      throw ApiFailure.badRequest(
          "missing_parameter", "input_reference.image_url", "input_reference needs an image_url");
    }
    if (!url.startsWith("data:")) {
      throw ApiFailure.badRequest(
          "remote_url_refused",
          "input_reference.image_url",
          "only data addresses are taken: this server fetches nothing");
    }
    return url;
  }

  private static SamplingOptions options(Fields fields, Fields extra, ServedModel model) {
    SamplingOptions defaults = model.defaults();
    Double guidance = fields.number("guidance_scale", 0, 100);
    Double cfg = extra.number("cfg_scale", 0, 100);
    Double temperature = extra.number("temperature", 0, 100);
    Long topK = extra.integer("top_k", 0, Integer.MAX_VALUE);
    Double topP = extra.number("top_p", 0, 1);
    Long usualSteps = fields.integer("num_inference_steps", 1, 1000);
    Long steps = extra.integer("num_inference_steps", 1, 1000);
    for (String name : List.of("top_k", "top_p", "num_inference_steps", "block_size")) {
      refuseUnused(extra, "extra_params." + name, name, model);
    }
    refuseUnused(fields, "num_inference_steps", "num_inference_steps", model);
    try {
      return new SamplingOptions(
          or(temperature, defaults.temperature()),
          topK == null ? defaults.topK() : Math.toIntExact(topK),
          or(topP, defaults.topP()),
          or(cfg, or(guidance, defaults.cfg())),
          defaults.scaleCfg(),
          defaults
              .flow()
              .withSteps(
                  Math.toIntExact(or(steps, or(usualSteps, (long) defaults.flow().steps())))));
    } catch (EngineFailure e) {
      // Only top_p = 0 passes the checks above and fails here.
      throw ApiFailure.badRequest("invalid_value", "extra_params.top_p", "%s", e.getMessage());
    }
  }

  private static void refuseUnused(Fields fields, String param, String name, ServedModel model) {
    if (fields.has(name) && !model.options().contains(name)) {
      throw unsupported(
          param, "%s takes %s".formatted(model.name(), String.join(", ", model.options())));
    }
  }

  private static GenerationRequest.Mode mode(Fields extra, ServedModel model) {
    Long block = extra.integer("block_size", 1, Integer.MAX_VALUE);
    String unit =
        extra.word(
            "prediction_unit",
            "token",
            "row",
            "block",
            "frame",
            "cell",
            "subsample",
            "scale",
            "whole");
    if (block != null && block != 1 && block != model.blockSize()) {
      throw ApiFailure.badRequest(
          "invalid_value",
          "extra_params.block_size",
          "%s predicts blocks of %d, or 1 token a step: got %d",
          model.name(),
          model.blockSize(),
          block);
    }
    boolean single = block != null ? block == 1 : "token".equals(unit);
    if (block != null && unit != null && single != unit.equals("token")) {
      throw ApiFailure.badRequest(
          "invalid_value",
          "extra_params.prediction_unit",
          "a block_size of %d is no %s",
          block,
          unit);
    }
    if (single && !model.options().contains("block_size")) {
      throw unsupported(
          "extra_params.prediction_unit", model.name() + " predicts no single tokens");
    }
    if (unit != null && !unit.equals("token") && !unit.equals(model.unit())) {
      throw ApiFailure.badRequest(
          "invalid_value",
          "extra_params.prediction_unit",
          "a block of %s is a %s: got %s",
          model.name(),
          model.unit(),
          unit);
    }
    return single ? GenerationRequest.Mode.NTP : GenerationRequest.Mode.NBP;
  }

  private static ApiFailure unsupported(String param, String message) {
    return new ApiFailure(400, "unsupported_parameter", param, message);
  }

  private static <T> T or(T value, T otherwise) {
    return value == null ? otherwise : value;
  }
}
