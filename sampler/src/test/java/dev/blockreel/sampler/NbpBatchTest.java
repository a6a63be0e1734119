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
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Generations that share their steps. */
class NbpBatchTest {
  private static final SamplingOptions LIVELY = new SamplingOptions(1, 12, 0.95, 0, false);
  private static final SamplingOptions GUIDED = new SamplingOptions(0.9, 0, 0.9, 0.7, true);

  @TempDir static Path folder;
  private static Path model;
  private static NbpPipeline pipeline;

  @BeforeAll
  static void load() {
    model = TinyModel.write(folder.resolve("tiny"));
    pipeline = (NbpPipeline) Pipeline.load(model, Dtype.FLOAT32);
  }

  @AfterAll
  static void close() {
    pipeline.close();
  }

  private static GenerationRequest request(
      SamplingOptions options, Mode mode, long seed, Integer... classes) {
    return new GenerationRequest(List.of(classes), seed, options, mode, List.of());
  }

  private static List<List<Integer>> codes(List<GeneratedClip> clips) {
    return clips.stream()
        .map(clip -> Arrays.stream(clip.tokens().codes()).boxed().toList())
        .toList();
  }

  private static List<List<Integer>> alone(GenerationRequest request) {
    return codes(pipeline.generate(request, GenerationListener.NONE));
  }

  /** Notes what it sees; cancels after some steps. */
  private static final class Diary implements GenerationListener {
    private final String name;
    private final List<String> common;
    private final int cancelAfter;
    private final List<List<Clip>> frames = new ArrayList<>();
    private int steps;

    Diary(String name, List<String> common, int cancelAfter) {
      this.name = name;
      this.common = common;
      this.cancelAfter = cancelAfter;
    }

    @Override
    public void step(int done, int total) {
      steps = done;
      common.add(name + " " + done + "/" + total);
    }

    @Override
    public void frames(List<Clip> next) {
      frames.add(next);
    }

    @Override
    public boolean cancelled() {
      return cancelAfter >= 0 && steps >= cancelAfter;
    }
  }

  @Test
  void companyDoesNotChangeTheTokens() {
    TokenGrid beginning = new TokenGrid(new int[16], 1, 4, 4);
    List<GenerationRequest> requests =
        List.of(
            request(LIVELY, Mode.NBP, 1, 0),
            request(GUIDED, Mode.NBP, 2, 1),
            request(LIVELY, Mode.NTP, 3, 2, 0),
            request(SamplingOptions.GREEDY, Mode.NBP, 4, 1),
            new GenerationRequest(List.of(2), 5, LIVELY, Mode.NBP, List.of(beginning)),
            request(GUIDED, Mode.NTP, 6, 0),
            request(new SamplingOptions(2, 3, 1, 0, false), Mode.NBP, 7, 2));
    List<CompletableFuture<List<GeneratedClip>>> made = new ArrayList<>();
    List<CompletableFuture<List<GeneratedClip>>> others = new ArrayList<>();
    List<Diary> diaries = new ArrayList<>();
    try (NbpBatch batch = pipeline.batch(5)) {
      for (GenerationRequest request : requests) {
        diaries.add(new Diary("", new ArrayList<>(), -1));
        made.add(batch.submit(request, diaries.get(diaries.size() - 1)));
        // Others come and go, so that nobody's neighbours stay the same.
        others.add(
            batch.submit(request(LIVELY, Mode.NBP, 99, 1), new Diary("", new ArrayList<>(), 4)));
        batch.step();
        batch.step();
        batch.step();
      }
      while (batch.step()) {}
      assertThat(batch.freeSlots()).isEqualTo(5);
      assertThat(others).allMatch(CompletableFuture::isCompletedExceptionally);
    }
    for (int i = 0; i < requests.size(); i++) {
      List<GeneratedClip> clips = made.get(i).join();
      assertThat(codes(clips)).as("request %d", i).isEqualTo(alone(requests.get(i)));
      for (int c = 0; c < clips.size(); c++) {
        int clip = c;
        List<Clip> seen = diaries.get(i).frames.stream().map(part -> part.get(clip)).toList();
        assertThat(Clip.join(seen).pixels()).isEqualTo(clips.get(c).clip().pixels());
      }
    }
  }

  /** Who watches the logits sees each step, and so gets a call for each. */
  @Test
  void tokensMadeSeveralInACallAreThoseOfSingleCalls() {
    List<Integer> calls = new ArrayList<>();
    List<int[]> single =
        Streams.decode(pipeline.generator(), mixed(), (raw, guided) -> calls.add(1));
    List<int[]> several = Streams.decode(pipeline.generator(), mixed(), null);
    assertThat(several).usingRecursiveComparison().isEqualTo(single);
    assertThat(calls).hasSize(48);
  }

  private static List<NbpStream> mixed() {
    List<NbpStream> streams = new ArrayList<>();
    for (SamplingOptions options : List.of(LIVELY, GUIDED, SamplingOptions.GREEDY, GUIDED)) {
      int[] label = {streams.size() % 3};
      streams.add(
          new NbpStream(TinyModel.GENERATOR, label, new int[0], options, Mode.NTP, streams.size()));
    }
    return streams;
  }

  @Test
  void nobodyOvertakesTheOldestThatWaits() {
    List<String> log = new ArrayList<>();
    try (NbpBatch batch = pipeline.batch(3)) {
      var first = batch.submit(request(LIVELY, Mode.NBP, 1, 0, 1), new Diary("a", log, -1));
      var wide = batch.submit(request(GUIDED, Mode.NBP, 2, 0), new Diary("b", log, -1));
      var narrow = batch.submit(request(LIVELY, Mode.NBP, 3, 0), new Diary("c", log, -1));
      assertThat(batch.step()).isTrue();
      assertThat(batch.running()).isEqualTo(1);
      assertThat(batch.waiting()).isEqualTo(2);
      assertThat(batch.freeSlots()).isEqualTo(1);
      while (!first.isDone()) {
        batch.step();
      }
      assertThat(log).allMatch(entry -> entry.startsWith("a"));
      assertThat(batch.step()).isTrue();
      assertThat(batch.running()).isEqualTo(2);
      while (batch.step()) {}
      assertThat(wide.join()).hasSize(1);
      assertThat(narrow.join()).hasSize(1);
    }
  }

  @Test
  void whoBeganApartMakesItsBlocksTogether() {
    alone(request(LIVELY, Mode.NBP, 1, 0)); // the first steps compile, which could last a turn
    List<String> log = new ArrayList<>();
    try (NbpBatch batch = pipeline.batch(2)) {
      var first = batch.submit(request(LIVELY, Mode.NBP, 1, 0), new Diary("a", log, -1));
      while (log.size() < 2) {
        batch.step();
      }
      var second = batch.submit(request(LIVELY, Mode.NBP, 2, 0), new Diary("b", log, -1));
      while (batch.step()) {}
      assertThat(codes(first.join())).isEqualTo(alone(request(LIVELY, Mode.NBP, 1, 0)));
      assertThat(codes(second.join())).isEqualTo(alone(request(LIVELY, Mode.NBP, 2, 0)));
    }
    assertThat(log).containsSubsequence("a 4/15", "b 4/15", "a 5/15", "b 5/15", "a 6/15", "b 6/15");
    assertThat(log).endsWith("a 15/15", "b 15/15");
  }

  @Test
  void aCancelledGenerationLeavesItsSlotsToTheNext() {
    List<String> log = new ArrayList<>();
    try (NbpBatch batch = pipeline.batch(1)) {
      var first = batch.submit(request(LIVELY, Mode.NBP, 1, 0), new Diary("a", log, 3));
      var second = batch.submit(request(LIVELY, Mode.NBP, 2, 0), new Diary("b", log, 0));
      var third = batch.submit(request(LIVELY, Mode.NBP, 3, 0), new Diary("c", log, -1));
      var fourth = batch.submit(request(LIVELY, Mode.NBP, 4, 0), new Diary("d", log, -1));
      fourth.cancel(true);
      while (batch.step()) {}
      assertThat(first)
          .isCompletedExceptionally()
          .failsWithin(Duration.ZERO)
          .withThrowableOfType(ExecutionException.class)
          .withCauseInstanceOf(EngineFailure.class)
          .withMessageContaining("of 15");
      assertThat(second).isCompletedExceptionally();
      assertThat(codes(third.join())).isEqualTo(alone(request(LIVELY, Mode.NBP, 3, 0)));
      assertThatThrownBy(fourth::join).isInstanceOf(CancellationException.class);
      assertThat(log).noneMatch(entry -> entry.startsWith("b") || entry.startsWith("d"));
      assertThat(batch.freeSlots()).isEqualTo(1);
    }
  }

  @Test
  void aListenerThatFailsFailsAlone() {
    try (NbpBatch batch = pipeline.batch(2)) {
      var broken =
          batch.submit(
              request(LIVELY, Mode.NBP, 1, 0),
              new GenerationListener() {
                @Override
                public void frames(List<Clip> next) {
                  throw new IllegalStateException("no more room");
                }
              });
      var sound = batch.submit(request(LIVELY, Mode.NBP, 2, 0), GenerationListener.NONE);
      while (batch.step()) {}
      assertThatThrownBy(broken::join).hasRootCauseMessage("no more room");
      assertThat(codes(sound.join())).isEqualTo(alone(request(LIVELY, Mode.NBP, 2, 0)));
      assertThat(batch.freeSlots()).isEqualTo(2);
    }
  }

  @Test
  void closingCancelsWhatIsLeft() {
    NbpBatch batch = pipeline.batch(1);
    var running = batch.submit(request(LIVELY, Mode.NBP, 1, 0), GenerationListener.NONE);
    var waiting = batch.submit(request(LIVELY, Mode.NBP, 2, 0), GenerationListener.NONE);
    batch.step();
    batch.close();
    for (var generation : List.of(running, waiting)) {
      assertThatThrownBy(generation::join)
          .cause()
          .isInstanceOfSatisfying(
              EngineFailure.class, e -> assertThat(e.code()).isEqualTo(FailureCode.CANCELLED));
    }
  }

  @Test
  void whatDoesNotFitIsRefusedAtOnce() {
    try (NbpBatch batch = pipeline.batch(2)) {
      assertThat(batch.slots(request(GUIDED, Mode.NBP, 1, 0, 1))).isEqualTo(4);
      assertThatThrownBy(
              () -> batch.submit(request(GUIDED, Mode.NBP, 1, 0, 1), GenerationListener.NONE))
          .isInstanceOf(EngineFailure.class)
          .hasMessageContaining("takes 4 slots: this batch has 2");
      assertThatThrownBy(
              () -> batch.submit(request(LIVELY, Mode.NBP, 1, 7), GenerationListener.NONE))
          .hasMessageContaining("classes 0 to 2");
      assertThat(batch.step()).isFalse();
    }
    assertThatThrownBy(() -> pipeline.batch(0)).hasMessageContaining("at least one slot");
  }

  @Test
  void inBfloat16CompanyChangesLogitsByNoMoreThanRounding() {
    try (NbpPipeline rounded = (NbpPipeline) Pipeline.load(model, Dtype.BFLOAT16)) {
      List<float[]> alone = logits(rounded, 1);
      List<float[]> among = logits(rounded, 3);
      int same = 0;
      for (int step = 0; step < alone.size(); step++) {
        float[] a = alone.get(step);
        float[] b = among.get(step);
        float largest = 0;
        for (float logit : a) {
          largest = Math.max(largest, Math.abs(logit));
        }
        for (int i = 0; i < a.length; i++) {
          assertThat(b[i]).as("step %d", step).isCloseTo(a[i], within(largest / 32));
        }
        same++;
        if (likeliest(a) != likeliest(b)) {
          break; // from here on they read different tokens
        }
      }
      assertThat(same).isGreaterThan(3);
    }
  }

  /** What the first of some streams draws from, step by step. */
  private static List<float[]> logits(NbpPipeline pipeline, int company) {
    List<float[]> seen = new ArrayList<>();
    List<NbpStream> streams = new ArrayList<>();
    for (int label = 0; label < company; label++) {
      streams.add(
          new NbpStream(
              TinyModel.GENERATOR,
              new int[] {label},
              new int[0],
              SamplingOptions.GREEDY,
              Mode.NTP,
              1));
    }
    int vocabulary = TinyModel.GENERATOR.network().vocabulary();
    Streams.decode(
        pipeline.generator(),
        streams,
        (raw, guided) -> seen.add(Arrays.copyOf(guided.toFloats(), vocabulary)));
    return seen;
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
