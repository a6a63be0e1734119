package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.script.Dtype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PipelineTest {
  private static final SamplingOptions LIVELY = new SamplingOptions(1, 12, 0.95, 0, false);

  @TempDir static Path folder;
  private static NbpPipeline pipeline;

  @BeforeAll
  static void load() {
    pipeline = (NbpPipeline) Pipeline.load(TinyModel.write(folder.resolve("tiny")), Dtype.FLOAT32);
  }

  @AfterAll
  static void close() {
    pipeline.close();
  }

  @Test
  void halvesOfTwoModelsAreRefusedWithBothNumbersOfCodes() throws IOException {
    Path model = TinyModel.write(folder.resolve("halves"));
    Path json = model.resolve("model.json");
    String mixed = Files.readString(json).replaceFirst("\"codes\" *: *25", "\"codes\": 64");
    Files.writeString(json, mixed);
    assertThatThrownBy(() -> Pipeline.load(model, Dtype.FLOAT32))
        .isInstanceOf(EngineFailure.class)
        .hasMessage(model + ": the generator is for 64 codes, the tokenizer has 25: levels [5, 5]");
  }

  private static List<int[]> tokens(GenerationRequest request) {
    return pipeline.generate(request, GenerationListener.NONE).stream()
        .map(g -> g.tokens().codes())
        .toList();
  }

  private static GenerationRequest request(
      SamplingOptions options, Mode mode, long seed, Integer... classes) {
    return new GenerationRequest(List.of(classes), seed, options, mode, List.of());
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void theSameSeedGivesTheSameTokensAndAnotherSeedOthers(Mode mode) {
    int[] first = tokens(request(LIVELY, mode, 1, 0)).get(0);
    assertThat(tokens(request(LIVELY, mode, 1, 0)).get(0)).isEqualTo(first);
    assertThat(tokens(request(LIVELY, mode, 2, 0)).get(0)).isNotEqualTo(first);
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void aBatchEqualsItsClipsOneByOne(Mode mode) {
    List<int[]> batch = tokens(request(LIVELY, mode, 7, 0, 1, 2));
    for (int i = 0; i < 3; i++) {
      assertThat(batch.get(i)).isEqualTo(tokens(request(LIVELY, mode, 7 + i, i)).get(0));
    }
  }

  @Test
  void guidedBatchesEqualTheirClipsOneByOne() {
    SamplingOptions guided = new SamplingOptions(1, 12, 0.95, 0.7, true);
    List<int[]> batch = tokens(request(guided, Mode.NBP, 3, 2, 0));
    assertThat(batch.get(1)).isEqualTo(tokens(request(guided, Mode.NBP, 4, 0)).get(0));
  }

  @Test
  void greedyIgnoresTheSeed() {
    assertThat(tokens(request(SamplingOptions.GREEDY, Mode.NBP, 1, 1)).get(0))
        .isEqualTo(tokens(request(SamplingOptions.GREEDY, Mode.NBP, 99, 1)).get(0));
  }

  @Test
  void keepingOnlyOneTokenIsGreedy() {
    SamplingOptions one = new SamplingOptions(1, 1, 1, 0, false);
    assertThat(tokens(request(one, Mode.NBP, 5, 1)).get(0))
        .isEqualTo(tokens(request(SamplingOptions.GREEDY, Mode.NBP, 5, 1)).get(0));
  }

  @Test
  void blocksNeedTheStepsOfThePaper() {
    assertThat(pipeline.steps(request(LIVELY, Mode.NBP, 1, 0))).isEqualTo(48 / 4 + 4 - 1);
    assertThat(pipeline.steps(request(LIVELY, Mode.NTP, 1, 0))).isEqualTo(48);
    List<Integer> done = new ArrayList<>();
    pipeline.generate(
        request(LIVELY, Mode.NBP, 1, 0),
        new GenerationListener() {
          @Override
          public void step(int step, int total) {
            assertThat(total).isEqualTo(15);
            done.add(step);
          }
        });
    assertThat(done).hasSize(15).endsWith(15);
  }

  @Test
  void latentFramesAreAnnouncedWhenTheyAreComplete() {
    List<List<TokenGrid>> announced = new ArrayList<>();
    List<GeneratedClip> made =
        pipeline.generate(
            request(LIVELY, Mode.NBP, 1, 0, 1),
            new GenerationListener() {
              @Override
              public void latentFrames(List<TokenGrid> complete) {
                announced.add(complete);
              }
            });
    assertThat(announced).extracting(a -> a.get(1).time()).containsExactly(1, 2, 3);
    assertThat(announced.get(0).get(1).codes())
        .isEqualTo(Arrays.copyOf(made.get(1).tokens().codes(), 16));
  }

  /** What a listener saw, in order: {@code step 5}, {@code frames 4}. */
  private static final class Diary implements GenerationListener {
    private final List<String> entries = new ArrayList<>();
    private final List<List<Clip>> frames = new ArrayList<>();

    @Override
    public void step(int done, int total) {
      entries.add("step " + done);
    }

    @Override
    public void frames(List<Clip> next) {
      frames.add(next);
      entries.add("frames " + next.get(0).frames());
    }

    private Clip clip(int index) {
      return Clip.join(frames.stream().map(part -> part.get(index)).toList());
    }
  }

  @Test
  void framesArriveInOrderAsSoonAsTheirTokensExist() {
    Diary diary = new Diary();
    List<GeneratedClip> made = pipeline.generate(request(LIVELY, Mode.NBP, 1, 0, 1), diary);
    assertThat(diary.entries)
        .containsSubsequence(
            "step 7", "frames 1", "step 8", "step 11", "frames 4", "step 12", "step 15", "frames 4")
        .hasSize(15 + 3);
    for (int i = 0; i < 2; i++) {
      float[] pixels = made.get(i).clip().pixels();
      assertThat(diary.clip(i).pixels()).isEqualTo(pixels);
      // Alone, so that the convolutions may sum in another order.
      float[] alone = pipeline.tokenizer().decode(made.get(i).tokens()).pixels();
      for (int p = 0; p < pixels.length; p++) {
        assertThat(pixels[p]).isCloseTo(alone[p], within(1e-5f));
      }
    }
  }

  @Test
  void givenFramesArriveBeforeTheFirstStep() {
    Diary diary = new Diary();
    TokenGrid given = new TokenGrid(new int[32], 2, 4, 4);
    pipeline.generate(
        new GenerationRequest(List.of(0), 1, LIVELY, Mode.NBP, List.of(given)), diary);
    assertThat(diary.entries)
        .containsExactly("frames 5", "step 1", "step 2", "step 3", "step 4", "frames 4");
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void givenFramesAreKeptAndContinuedAsTheModelItselfWould(Mode mode) {
    GeneratedClip whole =
        pipeline
            .generate(request(SamplingOptions.GREEDY, mode, 1, 2), GenerationListener.NONE)
            .get(0);
    for (int frames = 1; frames <= 2; frames++) {
      GenerationRequest rest =
          new GenerationRequest(
              List.of(2), 1, SamplingOptions.GREEDY, mode, List.of(whole.tokens().leading(frames)));
      assertThat(tokens(rest).get(0)).isEqualTo(whole.tokens().codes());
    }
  }

  @Test
  void clipsHaveTheShapeOfTheModel() {
    GeneratedClip made =
        pipeline.generate(request(LIVELY, Mode.NBP, 1, 0), GenerationListener.NONE).get(0);
    assertThat(made.clip().frames()).isEqualTo(9).isEqualTo(pipeline.frames());
    assertThat(made.clip().height()).isEqualTo(16).isEqualTo(pipeline.height());
    for (float pixel : made.clip().pixels()) {
      assertThat(pixel).isBetween(0f, 1f);
    }
  }

  @Test
  void cancellingEndsTheGenerationBeforeTheNextStep() {
    assertThatThrownBy(
            () ->
                pipeline.generate(
                    request(LIVELY, Mode.NBP, 1, 0),
                    new GenerationListener() {
                      private int steps;

                      @Override
                      public void step(int done, int total) {
                        steps = done;
                      }

                      @Override
                      public boolean cancelled() {
                        return steps == 3;
                      }
                    }))
        .isInstanceOfSatisfying(
            EngineFailure.class, e -> assertThat(e.code()).isEqualTo(FailureCode.CANCELLED))
        .hasMessageContaining("step 3 of 15");
  }

  @Test
  void requestsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> tokens(request(LIVELY, Mode.NBP, 1, 3)))
        .hasMessageContaining("classes 0 to 2");
    TokenGrid wrongShape = new TokenGrid(new int[12], 1, 3, 4);
    assertThatThrownBy(
            () ->
                tokens(new GenerationRequest(List.of(0), 1, LIVELY, Mode.NBP, List.of(wrongShape))))
        .hasMessageContaining("1x3x4");
    TokenGrid outside = new TokenGrid(new int[16], 1, 4, 4);
    outside.codes()[5] = 25;
    assertThatThrownBy(
            () -> tokens(new GenerationRequest(List.of(0), 1, LIVELY, Mode.NBP, List.of(outside))))
        .hasMessageContaining("codes 0 to 24");
    assertThatThrownBy(() -> new SamplingOptions(-1, 0, 1, 0, false))
        .hasMessageContaining("temperature");
    assertThatThrownBy(() -> new SamplingOptions(1, 0, 0, 0, false)).hasMessageContaining("top-p");
  }
}
