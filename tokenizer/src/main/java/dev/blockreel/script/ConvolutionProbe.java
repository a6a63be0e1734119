package dev.blockreel.script;

/**
 * Whether libtorch computes convolutions rightly whose channels are not innermost and do not fill
 * oneDNN's vectors. On a virtual machine that tells no sizes of its caches, that of libtorch 2.7
 * did not. Blockreel's own networks have no such convolutions; foreign ones may.
 */
public final class ConvolutionProbe {
  private ConvolutionProbe() {}

  /** Compares one with double precision, in which oneDNN does not compute; in milliseconds. */
  public static boolean right() {
    ScriptWriter script =
        new ScriptWriter("ConvolutionProbe")
            .method(
                "error",
                m -> {
                  // Two clips: libtorch does not give a single one to oneDNN.
                  Sym x = m.let("torch.sin(torch.arange(2 * 24 * 5 * 16 * 16, dtype=6))");
                  Sym w = m.let("torch.cos(torch.arange(24 * 24 * 27, dtype=6))");
                  Sym clips = x.view(2, 24, 5, 16, 16);
                  Sym kernel = w.view(24, 24, 3, 3, 3);
                  Sym made = clips.conv3d(kernel, null, 1, 1, 1);
                  Sym exact = m.let("torch.conv3d(%s.to(7), %s.to(7))".formatted(clips, kernel));
                  m.returns(
                      m.let(
                          "torch.nan_to_num(torch.amax(torch.abs(%s - %s)), 1e9).to(6)"
                              .formatted(made, exact)));
                });
    try (Script compiled = script.compile();
        TensorScope scope = TensorScope.open()) {
      return compiled.call(scope, "error").toFloats()[0] < 0.01;
    }
  }
}
