package dev.blockreel.measure;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;

/**
 * What this machine can do at most, measured now: shares of it mean more than times do.
 *
 * @param flops operations a second of a large product or convolution, whichever is faster
 * @param bytesPerSecond of reading memory that no cache holds
 */
public record Peaks(double flops, double bytesPerSecond) {
  /**
   * Measures them, in a second or two.
   *
   * @param dtype the numbers of the products
   */
  public static Peaks measure(Dtype dtype) {
    boolean packs = dtype == Dtype.BFLOAT16 && Torch.packsBfloat16();
    int side = Torch.onGpu() ? 8192 : 2048;
    int channels = 128;
    int frames = Torch.onGpu() ? 16 : 4;
    int area = 64;
    long numbers = Torch.onGpu() ? 1L << 30 : 1L << 27; // fp32: 512 MB or 4 GB
    try (Script script = script(packs).compile();
        TensorScope scope = TensorScope.open()) {
      Tensor x = script.call(scope, "matrix", side, side, dtype.number());
      Tensor w = script.call(scope, "weight", side, side, dtype.number());
      Tensor clip = script.call(scope, "clip", channels, frames + 2, area + 2, dtype.number());
      Tensor kernel = script.call(scope, "kernel", channels, dtype.number());
      Tensor memory = script.call(scope, "memory", numbers);
      double product =
          best(
              2.0 * side * side * side,
              10,
              () -> {
                try (TensorScope step = TensorScope.open()) {
                  script.call(step, "product", x, w).toFloats();
                }
              });
      double convolution =
          best(
              2.0 * 27 * channels * channels * frames * area * area,
              10,
              () -> {
                try (TensorScope step = TensorScope.open()) {
                  script.call(step, "convolution", clip, kernel).toFloats();
                }
              });
      double bytes =
          best(
              4.0 * numbers,
              8,
              () -> {
                try (TensorScope step = TensorScope.open()) {
                  script.call(step, "sum", memory).toFloats();
                }
              });
      return new Peaks(Math.max(product, convolution), bytes);
    }
  }

  private static double best(double amount, int runs, Runnable work) {
    work.run();
    double seconds = Double.MAX_VALUE;
    for (int i = 0; i < runs; i++) {
      long began = System.nanoTime();
      work.run();
      seconds = Math.min(seconds, (System.nanoTime() - began) / 1e9);
    }
    return amount / seconds;
  }

  /** Products return one number only: what is measured is not how results are handed over. */
  private static ScriptWriter script(boolean packs) {
    String device = "device=torch.device(\"%s\")".formatted(Torch.onGpu() ? "cuda" : "cpu");
    String made = "torch.rand([%s], dtype=6, " + device + ").to(%s)";
    return new ScriptWriter("Peaks")
        .method(
            "matrix",
            m -> {
              Sym rows = m.integer("rows");
              Sym columns = m.integer("columns");
              m.returns(m.let(made.formatted(rows + ", " + columns, m.integer("dtype"))));
            })
        .method(
            "weight",
            m -> {
              Sym rows = m.integer("rows");
              Sym columns = m.integer("columns");
              Sym w = m.let(made.formatted(rows + ", " + columns, m.integer("dtype")));
              m.returns(
                  packs
                      ? m.let("ops.mkldnn._reorder_linear_weight(%s, %s)".formatted(w, rows))
                      : w);
            })
        .method(
            "clip",
            m -> {
              Sym channels = m.integer("channels");
              Sym frames = m.integer("frames");
              Sym side = m.integer("side");
              Sym dtype = m.integer("dtype");
              m.returns(
                  m.let(
                          made.formatted(
                              "1, %s, %s, %s, %s".formatted(channels, frames, side, side), dtype))
                      .channelsLast3d());
            })
        .method(
            "kernel",
            m -> {
              Sym channels = m.integer("channels");
              Sym dtype = m.integer("dtype");
              m.returns(
                  m.let(made.formatted("%s, %s, 3, 3, 3".formatted(channels, channels), dtype))
                      .channelsLast3d());
            })
        .method(
            "memory",
            m ->
                m.returns(
                    m.let("torch.ones([%s], dtype=6, %s)".formatted(m.integer("numbers"), device))))
        .method(
            "product",
            m -> {
              Sym x = m.tensor("x");
              Sym w = m.tensor("w");
              Sym y =
                  packs
                      ? m.let(
                          "ops.mkldnn._linear_pointwise(%s, %s, None, \"none\",".formatted(x, w)
                              + " annotate(List[Optional[number]], []), \"\")")
                      : x.linear(w, null);
              m.returns(y.select(0, 0).select(0, 0).to(Dtype.FLOAT32));
            })
        .method(
            "convolution",
            m -> {
              Sym y = m.tensor("x").conv3d(m.tensor("w"), null, 1, 1, 1);
              m.returns(
                  y.select(0, 0)
                      .select(0, 0)
                      .select(0, 0)
                      .select(0, 0)
                      .select(0, 0)
                      .to(Dtype.FLOAT32));
            })
        .method("sum", m -> m.returns(m.tensor("x").sum()));
  }
}
