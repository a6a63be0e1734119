package dev.blockreel.train;

import dev.blockreel.nn.Weight;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import java.util.List;
import java.util.stream.Collectors;

/**
 * One whole training step as one compiled method: loss, gradients, clipping, AdamW (arXiv
 * 1711.05101) and the average of the weights. Its state is one list: the weights, their first
 * moments, their second moments, their averages.
 */
final class AdamW {
  private AdamW() {}

  /**
   * Adds {@code train} to a script that has {@code loss(inputs…, weights)}, which returns a vector
   * whose first element is the loss. {@code train(inputs…, rates, state)} takes {@code rates} =
   * [learning rate, step counted from 1, share of the average kept] and returns what {@code loss}
   * did, followed by the norm of the gradient before clipping.
   *
   * <p>A step whose gradient is not finite changes nothing.
   */
  static void writeStep(
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
                Sym bias1 = m.let("1.0 - " + schedule.beta1() + " ** " + step);
                Sym bias2 = m.let("(1.0 - " + schedule.beta2() + " ** " + step + ") ** 0.5");
                Sym decay = m.let(decays(weights, schedule.weightDecay()));
                m.loop(
                    n,
                    i ->
                        update(
                            m, state, n, i, gradients, scale, schedule, lr, keep, bias1, bias2,
                            decay));
              });
          m.returns(m.concat(0, m.let("torch.detach(" + losses + ")"), norm.view(1)));
        });
  }

  private static void update(
      Method m,
      Sym state,
      int n,
      Sym i,
      Sym gradients,
      Sym scale,
      TrainingSchedule schedule,
      Sym lr,
      Sym keep,
      Sym bias1,
      Sym bias2,
      Sym decay) {
    Sym weight = state.item(i);
    withGradient(
        m,
        gradients.item(i),
        raw -> {
          Sym g = raw.mul(scale);
          Sym first = state.item(i + " + " + n);
          Sym second = state.item(i + " + " + 2 * n);
          m.line("torch.lerp_(%s, %s, %s)".formatted(first, g, 1 - schedule.beta1()));
          m.line("torch.mul_(%s, %s)".formatted(second, schedule.beta2()));
          m.line(
              "torch.addcmul_(%s, %s, %s, value=%s)".formatted(second, g, g, 1 - schedule.beta2()));
          m.line("torch.mul_(%s, 1.0 - %s * %s[%s])".formatted(weight, lr, decay, i));
          Sym root = m.let("torch.sqrt(%s) / %s + 1e-08".formatted(second, bias2));
          m.line(
              "torch.addcdiv_(%s, %s, %s, value=-%s / %s)"
                  .formatted(weight, first, root, lr, bias1));
        });
    m.line("torch.lerp_(%s[%s + %d], %s, 1.0 - %s)".formatted(state, i, 3 * n, weight, keep));
  }

  /** Buffers that the loss does not touch have no gradient. */
  private static void withGradient(Method m, Sym gradient, java.util.function.Consumer<Sym> body) {
    m.when(
        "torch.__isnot__(" + gradient + ", None)",
        () -> body.accept(m.let("unchecked_cast(Tensor, " + gradient + ")")));
  }

  private static String decays(List<Weight> weights, double decay) {
    return weights.stream()
        .map(
            weight ->
                weight.role() == Weight.Role.LINEAR || weight.role() == Weight.Role.CONVOLUTION
                    ? decay
                    : 0.0)
        .map(String::valueOf)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
