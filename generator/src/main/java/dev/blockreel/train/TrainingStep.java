package dev.blockreel.train;

import dev.blockreel.nn.Weight;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One whole training step as one compiled method: loss, gradients, clipping, {@link AdamW} or
 * {@link Muon}, and the average of the weights. Its state is one list: the weights, their first
 * moments, their second moments, their averages.
 */
final class TrainingStep {
  private TrainingStep() {}

  /**
   * Adds {@code train} to a script that has {@code loss(inputs…, weights)}, which returns a vector
   * whose first element is the loss. {@code train(inputs…, rates, state)} takes {@code rates} =
   * [learning rate, step counted from 1, share of the average kept] and returns what {@code loss}
   * did, followed by the norm of the gradient before clipping.
   *
   * <p>A step whose gradient is not finite changes nothing.
   */
  static void write(
      ScriptWriter script, List<String> inputs, List<Weight> weights, TrainingSchedule schedule) {
    int n = weights.size();
    script.method(
        "train",
        m -> {
          Object[] arguments = new Object[inputs.size() + 1];
          for (int i = 0; i < inputs.size(); i++) {
            arguments[i] = m.tensor(inputs.get(i));
          }
          Sym rates = m.tensor("rates");
          Sym state = m.tensors("state");
          Sym w = state.items(0, n);
          arguments[inputs.size()] = w;
          m.line("torch.set_grad_enabled(True)");
          Sym losses = m.call("loss", arguments);
          Sym gradients =
              m.let(
                  "torch.grad([torch.select("
                      + losses
                      + ", 0, 0)], "
                      + w
                      + ", None, None, False, True)");
          m.line("torch.set_grad_enabled(False)");
          Sym squares = m.let("torch.zeros_like(torch.select(" + losses + ", 0, 0))");
          m.loop(
              n,
              i ->
                  withGradient(
                      m, gradients.item(i), g -> m.assign(squares, squares.add(g.square().sum()))));
          Sym norm = m.let("torch.sqrt(" + squares + ")");
          Sym scale =
              m.let(
                  "torch.clamp_max(torch.reciprocal(%s + 1e-06) * %s, 1.)"
                      .formatted(norm, schedule.clip()));
          m.when(
              "bool(torch.isfinite(" + norm + "))",
              () -> {
                Sym lr = m.let("float(torch.select(" + rates + ", 0, 0))");
                Sym step = m.let("float(torch.select(" + rates + ", 0, 1))");
                Sym keep = m.let("float(torch.select(" + rates + ", 0, 2))");
                Rates all =
                    new Rates(
                        lr,
                        step,
                        keep,
                        m.let(
                            literals(
                                weights, weight -> matrix(weight) ? schedule.weightDecay() : 0.0)),
                        m.let(literals(weights, weight -> hidden(weight) ? "True" : "False")));
                m.loop(n, i -> update(m, state, weights, i, gradients, scale, schedule, all));
              });
          m.returns(m.concat(0, m.let("torch.detach(" + losses + ")"), norm.view(1)));
        });
  }

  private static void update(
      Method m,
      Sym state,
      List<Weight> weights,
      Sym i,
      Sym gradients,
      Sym scale,
      TrainingSchedule schedule,
      Rates rates) {
    int n = weights.size();
    Sym weight = state.item(i);
    withGradient(
        m,
        gradients.item(i),
        raw -> {
          Sym gradient = raw.mul(scale);
          Sym first = state.item(i + " + " + n);
          Sym second = state.item(i + " + " + 2 * n);
          Sym decay = rates.decays.item(i);
          Runnable adam =
              () ->
                  AdamW.write(
                      m, weight, first, second, gradient, schedule, rates.step, rates.lr, decay);
          if (schedule.muon()) {
            m.when(
                rates.orthogonal.item(i).toString(),
                () -> Muon.write(m, weight, first, gradient, schedule.beta1(), rates.lr, decay),
                adam);
          } else {
            adam.run();
          }
        });
    m.line("torch.lerp_(%s[%s + %s], %s, 1.0 - %s)".formatted(state, i, 3 * n, weight, rates.keep));
  }

  /** What changes from step to step, and from weight to weight. */
  private record Rates(Sym lr, Sym step, Sym keep, Sym decays, Sym orthogonal) {}

  /** Buffers that the loss does not touch have no gradient. */
  private static void withGradient(Method m, Sym gradient, java.util.function.Consumer<Sym> body) {
    m.when(
        "torch.__isnot__(" + gradient + ", None)",
        () -> body.accept(m.let("unchecked_cast(Tensor, " + gradient + ")")));
  }

  private static boolean matrix(Weight weight) {
    return hidden(weight) || weight.role() == Weight.Role.HEAD;
  }

  /** Muon is for what lies between layers; rows of a head are as rare as their codes. */
  private static boolean hidden(Weight weight) {
    return weight.role() == Weight.Role.LINEAR || weight.role().isConvolution();
  }

  private static String literals(List<Weight> weights, Function<Weight, Object> value) {
    return weights.stream()
        .map(value)
        .map(String::valueOf)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
