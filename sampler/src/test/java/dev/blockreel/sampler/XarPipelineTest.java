package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.xar.Xar;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.LatentGrid;
import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.image.ImageNetwork;
import dev.blockreel.tokenizer.kl.Kl;
import dev.blockreel.tokenizer.kl.KlConfig;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images and clips of a small xAR model with random weights. */
class XarPipelineTest {
  @TempDir private Path folder;

  private Pipeline pipeline(String entity, int frames) {
    KlConfig codes =
        new KlConfig(
            new ImageNetwork.Sizes(2, 4, List.of(1, 1), 1, List.of(), List.of(), false, 2), 3, 0.5);
    XarGenerator.Description generator =
        new XarGenerator.Description(
            "xar", new XarConfig(1, 1, 2, 16, 20, 3, 2), entity, frames, 4, 4);
    ObjectNode json = KlTokenizer.describe(codes, frames, 16, 16, 8);
    XarGenerator.describe(json, generator);
    json.set("classes", new ObjectMapper().valueToTree(List.of("left", "right")));
    json.putObject("sampling").put("cfg", 2).put("steps", 3).put("guidance", "constant");
    Path model = folder.resolve(entity.replace(':', '-') + frames);
    ModelDirectory.write(
        model,
        json,
        draft -> {
          TinyModel.random(
              draft.resolve(ModelDirectory.TOKENIZER_FILE), new Kl(codes).weights(), 1);
          TinyModel.random(
              draft.resolve(ModelDirectory.GENERATOR_FILE),
              new Xar(generator.network(), generator.order().tokens()).weights(),
              2);
        });
    return Pipeline.load(model, Dtype.FLOAT32);
  }

  private static GenerationRequest request(Pipeline pipeline, Integer... classes) {
    return new GenerationRequest(List.of(classes), 5, pipeline.defaults(), Mode.NBP, List.of());
  }

  /** Keeps all that it is shown. */
  private static final class Spectator implements GenerationListener {
    final List<Clip> frames = new ArrayList<>();
    final List<Clip> previews = new ArrayList<>();
    int steps;

    @Override
    public void step(int done, int total) {
      steps = done;
    }

    @Override
    public void frames(List<Clip> next) {
      frames.add(next.get(0));
    }

    @Override
    public boolean wantsPreviews() {
      return true;
    }

    @Override
    public void preview(List<Clip> unfinished) {
      previews.add(unfinished.get(0));
    }
  }

  @Test
  void anImageIsAClipOfOneFrameAndShownAfterEachEntity() {
    try (Pipeline pipeline = pipeline("cell:2", 1)) {
      assertThat(pipeline.steps(request(pipeline, 1, 0))).isEqualTo(4 * 3);
      assertThat(pipeline.unit()).isEqualTo("cell");
      Spectator spectator = new Spectator();
      GeneratedClip made = pipeline.generate(request(pipeline, 1, 0), spectator).get(0);
      assertThat(spectator.steps).isEqualTo(4 * 3);
      assertThat(spectator.previews).hasSize(3);
      assertThat(spectator.frames).hasSize(1);
      assertThat(made.clip().pixels()).containsExactly(spectator.frames.get(0).pixels());
      assertThat(List.of(made.clip().frames(), made.clip().height())).isEqualTo(List.of(1, 16));
      Clip decoded = ((XarPipeline) pipeline).tokenizer().decode((LatentGrid) made.codes());
      assertThat(decoded.pixels()).containsExactly(made.clip().pixels(), within(1e-5f));
    }
  }

  @Test
  void framesOfAClipComeOneByOne() {
    try (Pipeline pipeline = pipeline("frame", 3)) {
      Spectator spectator = new Spectator();
      GeneratedClip made = pipeline.generate(request(pipeline, 1), spectator).get(0);
      assertThat(spectator.frames).hasSize(3).allMatch(part -> part.frames() == 1);
      assertThat(Clip.join(spectator.frames).pixels()).containsExactly(made.clip().pixels());
      assertThat(((LatentGrid) made.codes()).time()).isEqualTo(3);
    }
  }

  @Test
  void theSameSeedGivesTheSameImageAndAnotherAnother() {
    try (Pipeline pipeline = pipeline("scale", 1)) {
      Clip first = pipeline.generate(request(pipeline, 0), GenerationListener.NONE).get(0).clip();
      Clip again = pipeline.generate(request(pipeline, 0), GenerationListener.NONE).get(0).clip();
      Clip other =
          pipeline
              .generate(
                  new GenerationRequest(List.of(0), 6, pipeline.defaults(), Mode.NBP, List.of()),
                  GenerationListener.NONE)
              .get(0)
              .clip();
      assertThat(again.pixels()).containsExactly(first.pixels());
      assertThat(other.pixels()).isNotEqualTo(first.pixels());
    }
  }

  @Test
  void whatTheModelCannotDoIsRefused() {
    try (Pipeline pipeline = pipeline("whole", 1)) {
      assertThatThrownBy(() -> pipeline.generate(request(pipeline, 2), GenerationListener.NONE))
          .isInstanceOf(EngineFailure.class)
          .hasMessage("class 2 does not exist: this model has classes 0 to 1");
      assertThatThrownBy(
              () ->
                  pipeline.check(
                      new GenerationRequest(
                          List.of(0), 1, pipeline.defaults(), Mode.NTP, List.of())))
          .hasMessageContaining("no mode ntp");
    }
  }
}
