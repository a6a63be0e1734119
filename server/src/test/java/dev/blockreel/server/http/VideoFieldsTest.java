package dev.blockreel.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.sampler.SamplingOptions;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.jobs.VideoRequest;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideoFieldsTest {
  private static ServedModel model(String kind, String unit) {
    return new ServedModel(
        kind,
        0,
        kind,
        List.of("red", "blue"),
        name -> List.of("red", "blue").indexOf(name),
        16,
        16,
        1,
        1,
        12,
        request -> 12,
        16,
        unit,
        16,
        false,
        false,
        new SamplingOptions(1, 0, 1, 0, true),
        null,
        null);
  }

  private static final Map<String, ServedModel> MODELS =
      Map.of("nbp", model("nbp", "row"), "var", model("var", "scale"), "xar", model("xar", "cell"));

  private static VideoRequest read(String kind, JsonObject extra) {
    JsonObject json =
        new JsonObject().put("model", kind).put("prompt", "red").put("extra_params", extra);
    return VideoFields.read(Fields.of(json), MODELS, false).request();
  }

  @ParameterizedTest
  @CsvSource({
    "xar, top_k, 5",
    "xar, top_p, 0.5",
    "xar, block_size, 1",
    "var, block_size, 1",
    "var, num_inference_steps, 5",
    "nbp, num_inference_steps, 5"
  })
  void optionsThatAModelHasNotAreRefused(String kind, String option, String value) {
    JsonObject extra = new JsonObject("{\"%s\": %s}".formatted(option, value));
    assertThatThrownBy(() -> read(kind, extra))
        .isInstanceOf(ApiFailure.class)
        .hasMessageContaining(kind + " takes ");
  }

  @Test
  void onlySomeModelsPredictSingleTokens() {
    JsonObject token = new JsonObject().put("prediction_unit", "token");
    assertThat(read("nbp", token).mode()).isEqualTo(Mode.NTP);
    assertThatThrownBy(() -> read("xar", token)).hasMessage("xar predicts no single tokens");
  }

  @Test
  void aModelShowsTheOptionsThatItTakes() {
    JsonObject xar = VideoJson.of(MODELS.get("xar"));
    assertThat(xar.getJsonArray("options"))
        .map(String::valueOf)
        .containsExactly("temperature", "num_inference_steps", "cfg_scale", "prediction_unit");
    assertThat(xar.getJsonObject("defaults").fieldNames())
        .containsExactlyInAnyOrder(
            "temperature", "num_inference_steps", "cfg_scale", "prediction_unit");
    assertThat(VideoJson.of(MODELS.get("nbp")).getJsonObject("defaults").fieldNames())
        .contains("block_size", "top_k")
        .doesNotContain("num_inference_steps");
  }

  @Test
  void requestsThatDifferAreToldApart() {
    Fields one = Fields.of(new JsonObject().put("prompt", "red, seed=5"));
    Fields other = Fields.of(new JsonObject().put("prompt", "red").put("seed", 5));
    assertThat(one.canonical()).isNotEqualTo(other.canonical());
    assertThat(Fields.of(new JsonObject().put("seed", 5).put("prompt", "red")).canonical())
        .isEqualTo(other.canonical());
  }
}
