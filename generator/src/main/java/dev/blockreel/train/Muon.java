package dev.blockreel.train;

import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/**
 * Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"): momentum
 * whose matrix is replaced by the nearest orthogonal one, so that rare directions learn as fast as
 * frequent ones. The size of a step is that of AdamW (arXiv 2502.16982), so both take the same
 * learning rate and decay.
 *
 * <p>A quintic Newton–Schulz iteration brings all singular values of the matrix X close to 1. Every
 * step of it is a polynomial in X·Xᵀ times X; these commute, so their product Q is computed on the
 * small square side alone and X is multiplied once, at the end. That is several times cheaper
 * where, as in a convolution, the other side is long.
 */
final class Muon {
  private static final int ITERATIONS = 5;

  /** The polynomial a + b·A + c·A² with A = X·Xᵀ. */
  private static final String POLYNOMIAL = "3.4445 * %s - 4.7750 * %s + 2.0315 * torch.mm(%s, %s)";

  private Muon() {}

  /**
   * Writes one update in place.
   *
   * @param weight fp32, of two dimensions or more; those after the first count as one
   * @param first its momentum
   * @param gradient of the same shape
   * @param beta share of the momentum that is kept
   */
  static void write(Method m, Sym weight, Sym first, Sym gradient, double beta, Sym lr, Sym decay) {
    m.line("torch.lerp_(%s, %s, %s)".formatted(first, gradient, 1 - beta));
    Sym ahead = m.let("torch.lerp(%s, %s, %s)".formatted(gradient, first, beta));
    // Kernels lie in memory with the channels last; the order of columns does not matter here.
    Sym columns = m.let("torch.movedim(" + ahead + ", 1, -1)");
    Sym x = m.let("torch.flatten(" + columns + ", 1)");
    Sym upright = m.let("torch.size(%s, 0) > torch.size(%s, 1)".formatted(x, x));
    m.when(upright.toString(), () -> m.line(x + " = torch.t(" + x + ")"));
    m.assign(x, m.let("%s / (torch.sqrt(torch.sum(%s * %s)) + 1e-12)".formatted(x, x, x)));
    Sym a = m.let("torch.mm(%s, torch.t(%s))".formatted(x, x));
    Sym one = m.let("torch.eye(torch.size(%s, 0), device=%s.device)".formatted(x, x));
    Sym q = one;
    for (int k = 0; k < ITERATIONS; k++) {
      Sym p = m.let(POLYNOMIAL.formatted(one, a, a, a));
      q = k == 0 ? p : m.let("torch.mm(%s, %s)".formatted(p, q));
      if (k < ITERATIONS - 1) {
        m.assign(a, m.let("torch.mm(torch.mm(%s, %s), %s)".formatted(p, a, p)));
      }
    }
    m.line("%s = torch.mm(%s, %s)".formatted(x, q, x));
    m.when(upright.toString(), () -> m.line(x + " = torch.t(" + x + ")"));
    Sym size =
        m.let("0.2 * float(max(torch.size(%s, 0), torch.size(%s, 1))) ** 0.5".formatted(x, x));
    m.line("torch.mul_(%s, 1.0 - %s * %s)".formatted(weight, lr, decay));
    m.line(
        "torch.add_(%s, torch.movedim(torch.reshape(%s, torch.size(%s)), -1, 1), alpha=-%s * %s)"
            .formatted(weight, x, columns, lr, size));
  }
}
