package dev.blockreel.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.TensorScope;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever their channels, convolutions give what libtorch's own code, without oneDNN, gives in
 * double precision. Channels that do not fill oneDNN's vectors once did not.
 */
class ConvolutionTest {
  private static final int FRAMES = 5;
  private static final int WIDTH = 10;

  private record Case(
      int in, int out, int kernel, int stride, int height, boolean images, Numerics numerics) {}

  private static Stream<Case> cases() {
    return Stream.of(Numerics.plain(), Numerics.inference(Dtype.BFLOAT16))
        .flatMap(
            numerics ->
                Stream.of(true, false)
                    .flatMap(
                        images ->
                            Stream.of(
                                new Case(12, 32, 3, 1, 10, images, numerics),
                                new Case(32, 12, 3, 1, 10, images, numerics),
                                new Case(24, 24, 3, 1, 10, images, numerics),
                                new Case(24, 48, 3, 2, 10, images, numerics),
                                new Case(20, 48, 3, 1, 10, images, numerics),
                                new Case(48, 5, 3, 1, 10, images, numerics),
                                new Case(16, 16, 3, 2, 10, images, numerics),
                                new Case(128, 144, 3, 1, 10, images, numerics),
                                new Case(144, 128, 3, 1, 9, images, numerics),
                                new Case(144, 128, 3, 2, 10, images, numerics),
                                new Case(32, 40, 1, 1, 10, images, numerics),
                                new Case(12, 80, 1, 1, 10, images, numerics))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void channelsDoNotMatter(Case c) {
    double rounding = c.numerics.compute() == Dtype.FLOAT32 ? 1e-5 : 0.02;
    float[] exact = run(c, Numerics.plain(), true);
    float[] made = run(c, c.numerics, false);
    assertThat(made).hasSameSizeAs(exact);
    double largest = 0;
    for (float value : exact) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < made.length; i++) {
      assertThat((double) made[i]).isCloseTo(exact[i], within(rounding * largest));
    }
  }

  private static float[] run(Case c, Numerics numerics, boolean exactly) {
    WeightScope scope = WeightScope.root("");
    Init init = Init.normal(0.1);
    BiFunction<Forward, Sym, Sym> layer =
        c.images
            ? new Conv2d(scope, c.in, c.out, c.kernel, c.stride, init)::apply
            : new CausalConv3d(scope, c.in, c.out, c.kernel, 1, c.stride, init)::apply;
    ScriptWriter script =
        new ScriptWriter("Convolution")
            .method(
                "run",
                m -> {
                  Sym x = m.tensor("x");
                  Sym w = m.tensors("w");
                  Forward forward = new Forward(m, w, numerics);
                  m.returns(
                      exactly
                          ? exact(c, m, x, w)
                          : forward.leave(layer.apply(forward, forward.enter(x))));
                });
    long[] shape =
        c.images
            ? new long[] {1, c.in, c.height, WIDTH}
            : new long[] {1, c.in, FRAMES, c.height, WIDTH};
    float[] pixels = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (random.nextInt(256) - 128) / 128f; // values that bf16 has
    }
    try (LoadedNetwork network =
            LoadedNetwork.of(script, WeightList.random(scope.weights(), 1, numerics));
        TensorScope step = TensorScope.open()) {
      return network.call(step, "run", step.floats(pixels, shape)).toFloats();
    }
  }

  /** In double precision, in which oneDNN does not compute. */
  private static Sym exact(Case c, Method m, Sym x, Sym w) {
    List<Integer> strides = c.images ? List.of(c.stride, c.stride) : List.of(1, c.stride, c.stride);
    int edge = c.kernel / 2;
    int before = c.stride == 1 ? edge : 0; // images that are halved get their zeros behind
    Sym padded =
        edge == 0
            ? x
            : c.images
                ? x.zeroPad2d(before, edge, before, edge)
                : x.replicationPad3d(edge, edge, edge, edge, 2 * edge, 0);
    return m.let(
        "torch.conv%dd(%s.to(7), %s.to(7), %s.to(7), %s).to(6)"
            .formatted(c.images ? 2 : 3, padded, w.item(0), w.item(1), strides));
  }
}
