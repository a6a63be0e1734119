package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.xar.EntityOrder;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class XarDecodingTest {
  private static final int CHANNELS = 3;

  private static XarGenerator generator(String entity, int time) {
    return XarGenerator.standIn(
        new XarGenerator.Description(
            "xar", new XarConfig(1, 2, 2, 16, 20, CHANNELS, 5), entity, time, 4, 4),
        7,
        Numerics.plain());
  }

  private static SamplingOptions options(double cfg, int steps, FlowSolver.Kind solver) {
    return new SamplingOptions(
        1,
        0,
        1,
        cfg,
        true,
        new FlowOptions(
            steps, solver, FlowOptions.TimeGrid.PUBLISHED, FlowOptions.Guidance.LINEAR));
  }

  private static float[] noise(SplittableRandom random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** The last call of each entity is one pass over all that is known, without a cache. */
  @ParameterizedTest
  @CsvSource({
    "token, 1",
    "cell:2, 1",
    "subsample:2, 1",
    "scale, 1",
    "whole, 1",
    "frame, 3",
    "cell:3x2x2, 3"
  })
  void cachedStepsEqualOnePassOverAll(String entity, int time) {
    try (XarGenerator generator = generator(entity, time);
        TensorScope scope = TensorScope.open()) {
      EntityOrder order = generator.order();
      float[] clean = noise(new SplittableRandom(3), order.tokens() * CHANNELS);
      float[] noisy = noise(new SplittableRandom(4), order.tokens() * CHANNELS);
      Tensor conditions = generator.conditions(scope, new int[] {2}, new int[] {0, 700});
      Tensor cache = generator.cache(scope, 1);
      for (int e = 0; e < order.entities().size(); e++) {
        int start = order.start(e) * CHANNELS;
        int end = order.start(e + 1) * CHANNELS;
        int before = e == 0 ? 0 : order.entities().get(e - 1).length;
        float[] fed = Arrays.copyOfRange(clean, start - before * CHANNELS, end);
        System.arraycopy(noisy, start, fed, before * CHANNELS, end - start);
        float[] first =
            generator.velocity(fed, 1, conditions, 1, before, order.start(e) - before, cache);
        float[] again =
            generator.velocity(
                Arrays.copyOfRange(noisy, start, end), 1, conditions, 1, 0, order.start(e), cache);
        float[] all = clean.clone();
        System.arraycopy(noisy, start, all, start, end - start);
        int[] times = new int[order.entities().size()];
        times[e] = 700;
        float[] wanted = Arrays.copyOfRange(generator.full(all, new int[] {2}, times), start, end);
        assertThat(first).containsExactly(wanted, within(2e-4f));
        assertThat(again).containsExactly(wanted, within(2e-4f));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(FlowSolver.Kind.class)
  void imagesDoNotDependOnTheirNeighboursAndNoEntityWithoutGuidancePaysForIt(
      FlowSolver.Kind solver) {
    try (XarGenerator generator = generator("cell:2", 1)) {
      SamplingOptions options = options(3, 4, solver);
      List<Integer> values = new ArrayList<>();
      XarDecoding decoding = new XarDecoding(generator);
      float[][] both =
          decoding.decode(
              new int[] {1, 4},
              new SeededNoise(9, 2),
              options,
              GenerationListener.NONE,
              new XarDecoding.EntityWatcher() {
                @Override
                public void velocities(int entity, float[] velocities) {
                  values.add(velocities.length);
                }
              });
      float[][] second =
          decoding.decode(
              new int[] {4},
              new SeededNoise(10, 1),
              options,
              GenerationListener.NONE,
              new XarDecoding.EntityWatcher() {});
      assertThat(second[0]).containsExactly(both[1], within(1e-3f));
      int calls = solver.calls(4);
      int image = 4 * CHANNELS;
      assertThat(values).hasSize(4 * calls).hasSize(decoding.steps(options.flow()));
      assertThat(values.subList(0, calls)).containsOnly(2 * image);
      assertThat(values.subList(calls, 4 * calls)).containsOnly(4 * image);
    }
  }

  @Test
  void aCancelledGenerationEndsBeforeItsNextCall() {
    try (XarGenerator generator = generator("cell:2", 1)) {
      int[] calls = {0};
      GenerationListener listener =
          new GenerationListener() {
            @Override
            public void step(int done, int total) {
              calls[0] = done;
            }

            @Override
            public boolean cancelled() {
              return calls[0] == 5;
            }
          };
      assertThatThrownBy(
              () ->
                  new XarDecoding(generator)
                      .decode(
                          new int[] {1},
                          new SeededNoise(1, 1),
                          options(0, 4, FlowSolver.Kind.EULER),
                          listener,
                          new XarDecoding.EntityWatcher() {}))
          .hasMessage("the generation was cancelled at step 5 of 16");
    }
  }

  /** Data at 2 everywhere: the velocity is noise minus data, which is (x - 2) / t. */
  @ParameterizedTest
  @EnumSource(FlowSolver.Kind.class)
  void solversFindThePointThatTheVelocityPointsTo(FlowSolver.Kind solver) {
    for (FlowOptions.TimeGrid grid : FlowOptions.TimeGrid.values()) {
      double[] times = grid.of(50);
      double[] x = {0.3, -1.7};
      SplittableRandom random = new SplittableRandom(5);
      solver
          .solver()
          .solve(
              times,
              x,
              (index, at) -> Arrays.stream(at).map(v -> (v - 2) / times[index]).toArray(),
              step -> noise(random, 2));
      double most = solver == FlowSolver.Kind.EULER_MARUYAMA ? 0.4 : 1e-9;
      assertThat(x[0]).isCloseTo(2, within(most));
      assertThat(x[1]).isCloseTo(2, within(most));
    }
  }

  @Test
  void guidanceGrowsFromEntityToEntityOrNot() {
    assertThat(FlowOptions.Guidance.LINEAR.scale(4, 0, 4)).isEqualTo(1);
    assertThat(FlowOptions.Guidance.LINEAR.scale(4, 2, 4)).isEqualTo(3);
    assertThat(FlowOptions.Guidance.LINEAR.scale(4, 0, 1)).isEqualTo(4);
    assertThat(FlowOptions.Guidance.CONSTANT.scale(4, 0, 4)).isEqualTo(4);
    assertThat(FlowOptions.Guidance.CONSTANT.scale(0.5, 3, 4)).isEqualTo(1);
  }

  @Test
  void stepsBelowOneAndUnknownNamesAreRefused() {
    assertThatThrownBy(() -> options(0, 0, FlowSolver.Kind.EULER))
        .isInstanceOf(EngineFailure.class)
        .hasMessage("steps must lie between 1 and 1000: got 0");
    assertThatThrownBy(() -> FlowSolver.Kind.parse("rk4")).hasMessageContaining("heun");
    assertThatThrownBy(() -> FlowOptions.TimeGrid.parse("odd")).hasMessageContaining("cosine");
  }
}
