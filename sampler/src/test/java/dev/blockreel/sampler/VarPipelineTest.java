package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.ModelImport;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenScales;
import dev.blockreel.script.Dtype;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An imported VAR model through the pipeline that serves all kinds. */
class VarPipelineTest {
  @TempDir static Path folder;
  private static GoldenCase golden;
  private static Pipeline pipeline;

  @BeforeAll
  static void load() {
    golden = new GoldenCase("var");
    Path model = folder.resolve("model");
    new ModelImport(
            golden.file("vae_public.pth"),
            golden.file("var_public.pth"),
            null,
            null,
            0,
            List.of(),
            Map.of(),
            ElementType.F32)
        .to(model);
    pipeline = Pipeline.load(model, Dtype.FLOAT32);
  }

  @AfterAll
  static void close() {
    pipeline.close();
    golden.close();
  }

  private static GenerationRequest request(
      List<Integer> labels, SamplingOptions options, GenerationRequest.Mode mode) {
    return new GenerationRequest(labels, 1, options, mode, List.of());
  }

  /** Keeps what is shown. */
  private static final class Shown implements GenerationListener {
    private final List<List<Clip>> previews = new ArrayList<>();
    private final List<List<Clip>> frames = new ArrayList<>();
    private final List<String> steps = new ArrayList<>();

    @Override
    public boolean wantsPreviews() {
      return true;
    }

    @Override
    public void preview(List<Clip> unfinished) {
      previews.add(unfinished);
    }

    @Override
    public void frames(List<Clip> next) {
      frames.add(next);
    }

    @Override
    public void step(int done, int total) {
      steps.add(done + "/" + total);
    }
  }

  @Test
  void theAuthorsImagesAreMadeAndShownAfterEachScale() {
    assertThat(pipeline.kind()).isEqualTo("var");
    assertThat(pipeline.unit()).isEqualTo("scale");
    assertThat(pipeline.shape().height()).isEqualTo(64);
    assertThat(pipeline.defaults()).isEqualTo(new SamplingOptions(1, 900, 0.96, 1.5, true));
    Shown shown = new Shown();
    List<GeneratedClip> made =
        pipeline.generate(
            request(
                List.of(3, 5), new SamplingOptions(0, 0, 1, 1.5, true), GenerationRequest.Mode.NBP),
            shown);
    float[] images = new float[2 * 3 * 64 * 64];
    for (int b = 0; b < 2; b++) {
      System.arraycopy(
          made.get(b).clip().pixels(), 0, images, b * images.length / 2, images.length / 2);
    }
    golden.assertClose("gen.image", images);
    assertThat(((TokenScales) made.get(0).codes()).sizes()).isEqualTo("1x1, 2x2, 3x3, 4x4");
    assertThat(shown.steps).containsExactly("1/4", "2/4", "3/4", "4/4");
    assertThat(shown.previews).hasSize(3).allSatisfy(two -> assertThat(two).hasSize(2));
    assertThat(shown.frames).hasSize(1);
    assertThat(shown.frames.get(0).get(1).pixels()).isEqualTo(made.get(1).clip().pixels());
  }

  @Test
  void whatTheModelCannotDoIsRefused() {
    SamplingOptions options = pipeline.defaults();
    refused(
        request(List.of(10), options, GenerationRequest.Mode.NBP),
        "class 10 does not exist: this model has classes 0 to 9");
    assertThatThrownBy(() -> request(List.of(), options, GenerationRequest.Mode.NBP))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("at least one clip");
    refused(request(List.of(1), options, GenerationRequest.Mode.NTP), "it has no mode ntp");
    refused(
        new GenerationRequest(
            List.of(1), 1, options, GenerationRequest.Mode.NBP, List.of(), List.of("a dog")),
        "takes a class, not a prompt");
  }

  private static void refused(GenerationRequest request, String part) {
    assertThatThrownBy(() -> pipeline.generate(request, GenerationListener.NONE))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining(part);
  }
}
