package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.xar.EntityOrder;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Draws latents from an xAR model entity by entity: each starts as noise, which a flow solver
 * removes, and is then context of the next ones. The first network call of an entity reads the
 * finished one before it, too, and so puts it into the cache.
 */
final class XarDecoding {
  private final XarGenerator generator;
  private final EntityOrder order;
  private final XarConfig config;

  XarDecoding(XarGenerator generator) {
    this.generator = generator;
    this.order = generator.order();
    this.config = generator.description().network();
  }

  /** What watches a decoding; tests look at the velocities. */
  interface EntityWatcher {
    /**
     * What the network gave.
     *
     * @param velocities (rows,n,C), first the images with their class, then those without
     */
    default void velocities(int entity, float[] velocities) {}

    /**
     * Called when another entity is finished.
     *
     * @param tokens of every image, (N,C) in the model's order, with zeros where there is nothing
     *     yet
     */
    default void finished(int entity, float[][] tokens) {}
  }

  /** Whether generating with these options needs the velocities without a class too. */
  static boolean guided(SamplingOptions options) {
    return options.cfg() > 1;
  }

  /** Network calls of a generation. */
  int steps(FlowOptions flow) {
    return order.entities().size() * flow.solver().calls(flow.steps());
  }

  /**
   * Draws a batch.
   *
   * @param labels class number of each image
   * @return tokens of each image, (N,C) in the model's order
   */
  float[][] decode(
      int[] labels,
      NoiseSource noise,
      SamplingOptions options,
      GenerationListener listener,
      EntityWatcher watcher) {
    int entities = order.entities().size();
    FlowOptions flow = options.flow();
    double[] times = flow.times().of(flow.steps());
    double[] scales =
        IntStream.range(0, entities)
            .mapToDouble(e -> flow.guidance().scale(options.cfg(), e, entities))
            .toArray();
    boolean guided = guided(options);
    float[][] tokens = new float[labels.length][order.tokens() * config.channels()];
    try (TensorScope scope = TensorScope.open()) {
      Run run =
          new Run(
              labels.length,
              tokens,
              generator.conditions(scope, withNone(labels, guided), thousandths(times)),
              generator.cache(scope, guided ? 2 * labels.length : labels.length),
              scales,
              steps(flow),
              listener,
              watcher);
      for (int e = 0; e < entities; e++) {
        int entity = e;
        int values = labels.length * order.entities().get(e).length * config.channels();
        double[] x = scaled(noise.start(e, values), options.temperature());
        flow.solver()
            .solver()
            .solve(
                times,
                x,
                run.entity(e),
                step -> tempered(noise.step(entity, step, values), options.temperature()));
        run.finish(e, x);
      }
    }
    return tokens;
  }

  private int[] withNone(int[] labels, boolean guided) {
    int[] all = Arrays.copyOf(labels, guided ? 2 * labels.length : labels.length);
    Arrays.fill(all, labels.length, all.length, config.classes());
    return all;
  }

  /** Time 0, that of what is finished, and those of the steps, as the network counts them. */
  private static int[] thousandths(double[] times) {
    int[] all = new int[times.length + 1];
    for (int i = 0; i < times.length; i++) {
      // In single precision, as it was trained: 0.04f is a little less than 0.04.
      all[i + 1] = (int) ((float) times[i] * 1000f);
    }
    return all;
  }

  private static double[] scaled(float[] noise, double factor) {
    double[] scaled = new double[noise.length];
    for (int i = 0; i < noise.length; i++) {
      scaled[i] = noise[i] * factor;
    }
    return scaled;
  }

  private static float[] tempered(float[] noise, double factor) {
    if (factor != 1) {
      for (int i = 0; i < noise.length; i++) {
        noise[i] *= (float) factor;
      }
    }
    return noise;
  }

  /** One generation on its way. */
  private final class Run {
    private final int images;
    private final float[][] tokens;
    private final Tensor conditions;
    private final Tensor cache;
    private final double[] scales;
    private final int total;
    private final GenerationListener listener;
    private final EntityWatcher watcher;
    private int done;

    Run(
        int images,
        float[][] tokens,
        Tensor conditions,
        Tensor cache,
        double[] scales,
        int total,
        GenerationListener listener,
        EntityWatcher watcher) {
      this.images = images;
      this.tokens = tokens;
      this.conditions = conditions;
      this.cache = cache;
      this.scales = scales;
      this.total = total;
      this.listener = listener;
      this.watcher = watcher;
    }

    /** The velocity field of an entity, given those before it. */
    FlowSolver.Velocity entity(int entity) {
      boolean[] known = {entity == 0};
      return (index, x) -> {
        if (listener.cancelled()) {
          throw new EngineFailure(
              FailureCode.CANCELLED,
              "the generation was cancelled at step %d of %d".formatted(done, total));
        }
        double[] velocity = velocity(entity, index, x, !known[0]);
        known[0] = true;
        listener.step(++done, total);
        return velocity;
      };
    }

    private double[] velocity(int entity, int index, double[] x, boolean withPrevious) {
      double scale = scales[entity];
      // What is cached without guidance now may be needed with guidance later.
      boolean guidedLater = Arrays.stream(scales, entity, scales.length).anyMatch(s -> s > 1);
      boolean doubled = withPrevious ? guidedLater : scale > 1;
      int rows = doubled ? 2 * images : images;
      int clean = withPrevious ? order.entities().get(entity - 1).length : 0;
      int past = order.start(entity) - clean;
      float[] input = input(x, rows, clean, past);
      float[] velocities =
          generator.velocity(input, rows, conditions, index + 1, clean, past, cache);
      watcher.velocities(entity, velocities);
      double[] chosen = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        chosen[i] =
            scale > 1
                ? velocities[x.length + i]
                    + scale * (velocities[i] - (double) velocities[x.length + i])
                : velocities[i];
      }
      return chosen;
    }

    /** Rows of the finished entity's tokens and the noisy ones, the same for both halves. */
    private float[] input(double[] x, int rows, int clean, int past) {
      int each = x.length / images;
      int before = clean * config.channels();
      float[] input = new float[rows * (before + each)];
      for (int row = 0; row < rows; row++) {
        int image = row % images;
        int at = row * (before + each);
        System.arraycopy(tokens[image], past * config.channels(), input, at, before);
        for (int i = 0; i < each; i++) {
          input[at + before + i] = (float) x[image * each + i];
        }
      }
      return input;
    }

    void finish(int entity, double[] x) {
      int each = x.length / images;
      int from = order.start(entity) * config.channels();
      for (int image = 0; image < images; image++) {
        for (int i = 0; i < each; i++) {
          tokens[image][from + i] = (float) x[image * each + i];
        }
      }
      watcher.finished(entity, tokens);
    }
  }
}
