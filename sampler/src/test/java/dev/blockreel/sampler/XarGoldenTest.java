package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.generator.xar.EntityOrder;
import dev.blockreel.generator.xar.Xar;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The authors' xAR with narrow layers. */
class XarGoldenTest {
  private static final int CELL = 64;
  private static final int CHANNELS = 16;

  private static GoldenCase golden;
  private static XarGenerator generator;

  @BeforeAll
  static void load() {
    golden = new GoldenCase("xar");
    generator = load(golden, "xAR-public.pth");
  }

  @AfterAll
  static void close() {
    generator.close();
    golden.close();
  }

  private static XarGenerator load(GoldenCase golden, String file) {
    return load(golden, file, Numerics.plain());
  }

  private static XarGenerator load(GoldenCase golden, String file, Numerics numerics) {
    JsonNode config = golden.config();
    XarConfig sizes =
        new XarConfig(
            config.get("encoder_depth").asInt(),
            config.get("decoder_depth").asInt(),
            config.get("num_heads").asInt(),
            config.get("encoder_embed_dim").asInt(),
            config.get("mlp_hidden").asInt(),
            config.get("token_dim").asInt(),
            config.get("num_classes").asInt());
    try (TensorFile tensors = Xar.publishedNames(TorchFile.open(golden.file(file)))) {
      return XarGenerator.load(
          new XarGenerator.Description("xar", sizes, "cell:8", 1, 16, 16), tensors, numerics);
    }
  }

  private static float[] input(String name) {
    return golden.inputs().floats(name);
  }

  private static int[] labels(GoldenCase golden, String name) {
    return Arrays.stream(golden.inputs().integers(name)).mapToInt(Math::toIntExact).toArray();
  }

  private static float[] scaled(float[] values, float factor) {
    float[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= factor;
    }
    return scaled;
  }

  /** The tokens of two cells of two images, image after image. */
  private static float[] after(float[] first, float[] second) {
    int each = CELL * CHANNELS;
    float[] both = new float[first.length + second.length];
    for (int image = 0; image < first.length / each; image++) {
      System.arraycopy(first, image * each, both, 2 * image * each, each);
      System.arraycopy(second, image * each, both, (2 * image + 1) * each, each);
    }
    return both;
  }

  @Test
  void velocitiesAgreeFromCellToCell() {
    int[] labels = labels(golden, "direct.labels");
    float[] t = input("direct.t");
    int[] times = new int[5];
    for (int i = 0; i < 4; i++) {
      times[i + 1] = (int) (t[i] * 1000f);
    }
    float[] x0 = input("direct.x0");
    try (TensorScope scope = TensorScope.open()) {
      Tensor conditions = generator.conditions(scope, labels, times);
      Tensor cache = generator.cache(scope, 2);
      golden.assertClose("direct.v0", generator.velocity(x0, 2, conditions, 1, 0, 0, cache));
      golden.assertClose(
          "direct.v0b", generator.velocity(scaled(x0, 0.5f), 2, conditions, 2, 0, 0, cache));
      golden.assertClose(
          "direct.v1",
          generator.velocity(
              after(input("direct.c0"), input("direct.x1")), 2, conditions, 2, 64, 0, cache));
      golden.assertClose(
          "direct.v2",
          generator.velocity(
              after(input("direct.c1"), input("direct.x2")), 2, conditions, 3, 64, 64, cache));
      golden.assertClose(
          "direct.v2b", generator.velocity(input("direct.x2b"), 2, conditions, 4, 0, 128, cache));
    }
  }

  private static SamplingOptions options(GoldenCase golden) {
    JsonNode config = golden.config();
    return new SamplingOptions(
        1,
        0,
        1,
        config.get("cfg").asDouble(),
        true,
        new FlowOptions(
            config.get("num_steps").asInt(),
            FlowSolver.Kind.EULER_MARUYAMA,
            FlowOptions.TimeGrid.PUBLISHED,
            FlowOptions.Guidance.LINEAR));
  }

  @Test
  void theGuidedRunAgreesWithItsRecordedNoise() {
    int[] labels = labels(golden, "sample.labels");
    List<List<float[]>> velocities = new ArrayList<>();
    for (int cell = 0; cell < 4; cell++) {
      velocities.add(new ArrayList<>());
    }
    float[][] tokens =
        new XarDecoding(generator)
            .decode(
                labels,
                RecordedNoise.read(
                    golden.inputs().renamed(name -> name.replace("sample.", "")),
                    2,
                    List.of(CELL, CELL, CELL, CELL),
                    CHANNELS,
                    4),
                options(golden),
                GenerationListener.NONE,
                new XarDecoding.EntityWatcher() {
                  @Override
                  public void velocities(int entity, float[] given) {
                    velocities.get(entity).add(given);
                  }
                });
    for (int cell = 0; cell < 4; cell++) {
      assertVelocities(cell, velocities.get(cell));
      float[] both = new float[2 * CELL * CHANNELS];
      for (int image = 0; image < 2; image++) {
        System.arraycopy(
            tokens[image], cell * CELL * CHANNELS, both, image * CELL * CHANNELS, CELL * CHANNELS);
      }
      golden.assertClose("sample.cell." + cell, both);
    }
    EntityOrder order = generator.order();
    float[] first = order.latents(tokens[0], CHANNELS);
    float[] latents = Arrays.copyOf(first, 2 * first.length);
    System.arraycopy(order.latents(tokens[1], CHANNELS), 0, latents, first.length, first.length);
    golden.assertClose("sample.latents", latents);
  }

  /** The first cell is not guided: we leave out its second half, which the authors compute. */
  private static void assertVelocities(int cell, List<float[]> got) {
    float[] wanted = golden.expected().floats("sample.velocity." + cell);
    int whole = wanted.length / 5;
    assertThat(got).hasSize(5);
    assertThat(got.get(0)).hasSize(cell == 0 ? whole / 2 : whole);
    float[] all = wanted.clone();
    for (int step = 0; step < 5; step++) {
      System.arraycopy(got.get(step), 0, all, step * whole, got.get(step).length);
    }
    golden.assertClose("sample.velocity." + cell, all);
  }

  @Test
  void timesAgree() {
    double[] times = FlowOptions.TimeGrid.PUBLISHED.of(5);
    long[] wanted = golden.expected().integers("sample.time_ids");
    for (int i = 0; i < 5; i++) {
      assertThat((long) (int) ((float) times[i] * 1000f)).isEqualTo(wanted[i]);
    }
  }

  @Test
  void theTrainingLossAndItsVelocitiesAgree() {
    EntityOrder order = generator.order();
    int images = 3;
    int image = order.tokens() * CHANNELS;
    float[] latents = new float[images * image];
    float[] noise = new float[latents.length];
    float[] mixed = new float[latents.length];
    float[] times = new float[images * 4];
    int[] thousandths = new int[times.length];
    int[] labels = labels(golden, "train.labels");
    for (int b = 0; b < images; b++) {
      // As the authors drop classes; theirs is the number of no class.
      if (input("train.drop_u")[b] < golden.config().get("label_drop_prob").asDouble()) {
        labels[b] = 1000;
      }
      float[] grid = Arrays.copyOfRange(input("train.latents"), b * image, (b + 1) * image);
      System.arraycopy(order.tokens(grid, CHANNELS), 0, latents, b * image, image);
      for (int cell = 0; cell < 4; cell++) {
        int cellValues = CELL * CHANNELS;
        float time = input("train.time")[cell * images + b];
        times[b * 4 + cell] = time;
        thousandths[b * 4 + cell] = (int) (time * 1000f);
        int to = b * image + cell * cellValues;
        System.arraycopy(
            input("train.noise"), (cell * images + b) * cellValues, noise, to, cellValues);
        for (int i = to; i < to + cellValues; i++) {
          mixed[i] = (1 - time) * latents[i] + time * noise[i];
        }
      }
    }
    golden.assertClose("train.velocity", generator.full(mixed, labels, thousandths));
    golden.assertClose("train.loss", new float[] {generator.loss(latents, noise, labels, times)});
  }

  @Test
  void fastNumbersStayCloseToPlainOnes() {
    try (XarGenerator fast = load(golden, "xAR-public.pth", Numerics.inference(Dtype.BFLOAT16));
        TensorScope scope = TensorScope.open()) {
      int[] labels = labels(golden, "direct.labels");
      float[] x = after(input("direct.c0"), input("direct.x1"));
      int[] times = {0, 700};
      float[] plain =
          generator.velocity(
              x,
              2,
              generator.conditions(scope, labels, times),
              1,
              CELL,
              0,
              generator.cache(scope, 2));
      float[] rough =
          fast.velocity(
              x, 2, fast.conditions(scope, labels, times), 1, CELL, 0, fast.cache(scope, 2));
      double squared = 0;
      double power = 0;
      for (int i = 0; i < plain.length; i++) {
        squared += Math.pow(plain[i] - rough[i], 2);
        power += Math.pow(plain[i], 2);
      }
      assertThat(Math.sqrt(squared / power)).isLessThan(0.05);
    }
  }
}
