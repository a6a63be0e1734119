package dev.blockreel.samples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.classifier.ClipClassifier;
import dev.blockreel.grid.Clip;
import dev.blockreel.nn.Numerics;
import dev.blockreel.sampler.GeneratedClip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The models that a newcomer's first commands run. */
class SampleModelTest {
  private static final Path SPRITES = Path.of("models", "sprites-nbp");

  @ParameterizedTest
  @ValueSource(
      strings = {"sprites-nbp", "sprites-xar", "sprites-classifier", "sprites-frame-classifier"})
  void theShippedModelsAreWhole(String name) {
    ModelDirectory model = ModelDirectory.open(Path.of("models", name));
    model.verify();
    assertThat(model.description().path("licence").asText()).isEqualTo("CC BY-SA 3.0");
    assertThat(model.description().path("classes").size()).isEqualTo(20);
    assertThat(Path.of("models", name, "README.md")).exists();
  }

  @ParameterizedTest
  @CsvSource({"sprites-nbp, sprites-classifier", "sprites-xar, sprites-frame-classifier"})
  void whatIsGeneratedIsNamedRightlyByAJudgeOfRealOnes(String generator, String judge) {
    try (Pipeline pipeline = Pipeline.load(Path.of("models", generator), null);
        ClipClassifier classifier =
            ClipClassifier.load(ModelDirectory.open(Path.of("models", judge)), Numerics.plain())) {
      assertThat(classifier.classes()).isEqualTo(pipeline.classes());
      List<Integer> asked = IntStream.range(0, pipeline.classes().size()).boxed().toList();
      List<Clip> made = generate(pipeline, asked, 1).stream().map(GeneratedClip::clip).toList();
      List<Integer> named =
          classifier.judge(made).stream().map(ClipClassifier.Judgement::label).toList();
      long right = asked.stream().filter(label -> named.get(label).equals(label)).count();
      // All but one or two on average; guessing names one.
      assertThat(right).as("%s", named).isGreaterThanOrEqualTo(17);
    }
  }

  @Test
  void aSeedIsACharacterOnAPlainBackground() {
    try (Pipeline pipeline = Pipeline.load(SPRITES, null)) {
      GeneratedClip first = generate(pipeline, 1);
      assertThat(generate(pipeline, 1).tokens().codes()).isEqualTo(first.tokens().codes());
      assertThat(generate(pipeline, 2).tokens().codes()).isNotEqualTo(first.tokens().codes());
      Clip clip = first.clip();
      assertThat(clip.frames()).isEqualTo(17);
      for (int t = 0; t < clip.frames(); t++) {
        // The corners of all training clips are grey, and the figure stands in the middle.
        assertThat(pixel(clip, t, 2, 2)).isBetween(0.37f, 0.57f);
        assertThat(spread(clip, t)).isGreaterThan(0.25f);
      }
    }
  }

  private static GeneratedClip generate(Pipeline pipeline, long seed) {
    return generate(pipeline, List.of(pipeline.classNumber("walk-left")), seed).get(0);
  }

  private static List<GeneratedClip> generate(Pipeline pipeline, List<Integer> classes, long seed) {
    return pipeline.generate(
        new GenerationRequest(
            classes, seed, pipeline.defaults(), GenerationRequest.Mode.NBP, List.of()),
        GenerationListener.NONE);
  }

  private static float pixel(Clip clip, int t, int y, int x) {
    return clip.pixels()[(t * clip.height() + y) * clip.width() + x];
  }

  /** Brightest minus darkest red in the middle of a frame. */
  private static float spread(Clip clip, int t) {
    float low = 1;
    float high = 0;
    for (int y = 16; y < 60; y++) {
      for (int x = 20; x < 44; x++) {
        low = Math.min(low, pixel(clip, t, y, x));
        high = Math.max(high, pixel(clip, t, y, x));
      }
    }
    return high - low;
  }

  @Test
  void picturesOfTheReadmeExist() throws IOException {
    Matcher pictures =
        Pattern.compile("src=\"([^\"]+)\"").matcher(Files.readString(Path.of("..", "README.md")));
    assertThat(pictures.find()).isTrue();
    do {
      assertThat(Path.of("..", pictures.group(1))).exists();
    } while (pictures.find());
  }
}
