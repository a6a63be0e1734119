package dev.blockreel.train;

import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/** AdamW (arXiv 1711.05101). */
final class AdamW {
  private AdamW() {}

  /**
   * Writes one update in place.
   *
   * @param weight fp32
   * @param first mean of the gradients
   * @param second mean of their squares
   * @param gradient of the same shape
   * @param step counted from 1
   */
  static void write(
      Method m,
      Sym weight,
      Sym first,
      Sym second,
      Sym gradient,
      TrainingSchedule schedule,
      Sym step,
      Sym lr,
      Sym decay) {
    m.line("torch.lerp_(%s, %s, %s)".formatted(first, gradient, 1 - schedule.beta1()));
    m.line("torch.mul_(%s, %s)".formatted(second, schedule.beta2()));
    m.line(
        "torch.addcmul_(%s, %s, %s, value=%s)"
            .formatted(second, gradient, gradient, 1 - schedule.beta2()));
    m.line("torch.mul_(%s, 1.0 - %s * %s)".formatted(weight, lr, decay));
    Sym root =
        m.let(
            "torch.sqrt(%s) / (1.0 - %s ** %s) ** 0.5 + 1e-08"
                .formatted(second, schedule.beta2(), step));
    m.line(
        "torch.addcdiv_(%s, %s, %s, value=-%s / (1.0 - %s ** %s))"
            .formatted(weight, first, root, lr, schedule.beta1(), step));
  }
}
