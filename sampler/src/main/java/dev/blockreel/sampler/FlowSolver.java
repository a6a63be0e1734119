package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import java.util.Locale;

/**
 * Removes noise step by step: follows a velocity field v(x, t), noise minus data, from t = 1 (all
 * noise) to t = 0 (data). Works in double precision; times fall from 1, the step after the last one
 * ends at 0.
 */
@FunctionalInterface
public interface FlowSolver {
  /** The velocity field. */
  @FunctionalInterface
  interface Velocity {
    /**
     * The velocity at x and the time of number {@code index}.
     *
     * @return as many values as x has
     */
    double[] at(int index, double[] x);
  }

  /** Standard normal numbers, as many at a time as x has values. */
  @FunctionalInterface
  interface Noise {
    /** Those of a step. */
    float[] draw(int step);
  }

  /**
   * Solves in place.
   *
   * @param times falling, from 1; all above 0
   * @param x what is at t = 1; afterwards what is at t = 0
   */
  void solve(double[] times, double[] x, Velocity velocity, Noise noise);

  /** Solvers by name. */
  enum Kind {
    /**
     * Euler–Maruyama over the stochastic equation of xAR's code: noise goes in again while it is
     * removed, which corrects earlier errors. The last step is without.
     */
    EULER_MARUYAMA(FlowSolver::eulerMaruyama),
    /** Straight steps along the velocity; no noise but the start. */
    EULER(FlowSolver::euler),
    /** Steps along the mean of the velocities at both ends: two network calls, but for the last. */
    HEUN(FlowSolver::heun);

    @SuppressWarnings("ImmutableEnumChecker") // solvers are functions without state
    private final FlowSolver solver;

    Kind(FlowSolver solver) {
      this.solver = solver;
    }

    /** The solver. */
    public FlowSolver solver() {
      return solver;
    }

    /** Network calls for one entity. */
    public int calls(int steps) {
      return this == HEUN ? 2 * steps - 1 : steps;
    }

    /** How often noise is drawn for one entity beside its start. */
    public int draws(int steps) {
      return this == EULER_MARUYAMA ? steps - 1 : 0;
    }

    /**
     * Reads what a user writes, such as {@code euler-maruyama}.
     *
     * @throws EngineFailure BAD_REQUEST for anything else
     */
    public static Kind parse(String name) {
      for (Kind kind : values()) {
        if (kind.toString().equals(name.toLowerCase(Locale.ROOT))) {
          return kind;
        }
      }
      throw EngineFailure.badRequest(
          "unknown solver \"%s\": expected euler-maruyama, euler or heun", name);
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private static void eulerMaruyama(double[] times, double[] x, Velocity velocity, Noise noise) {
    for (int i = 0; i < times.length; i++) {
      double t = times[i];
      boolean last = i == times.length - 1;
      double step = (last ? 0 : times[i + 1]) - t;
      float[] drawn = last ? null : noise.draw(i);
      double spread = Math.sqrt(2 * t) * Math.sqrt(-step);
      double[] v = velocity.at(i, x);
      for (int j = 0; j < x.length; j++) {
        // The velocity less half the squared diffusion, 2t, times the score that v gives.
        double drift = (2 - t) * v[j] + x[j];
        x[j] += drift * step + (last ? 0 : spread * drawn[j]);
      }
    }
  }

  private static void euler(double[] times, double[] x, Velocity velocity, Noise noise) {
    for (int i = 0; i < times.length; i++) {
      double step = (i == times.length - 1 ? 0 : times[i + 1]) - times[i];
      double[] v = velocity.at(i, x);
      for (int j = 0; j < x.length; j++) {
        x[j] += step * v[j];
      }
    }
  }

  private static void heun(double[] times, double[] x, Velocity velocity, Noise noise) {
    for (int i = 0; i < times.length; i++) {
      boolean last = i == times.length - 1;
      double step = (last ? 0 : times[i + 1]) - times[i];
      double[] v = velocity.at(i, x);
      if (!last) {
        double[] ahead = new double[x.length];
        for (int j = 0; j < x.length; j++) {
          ahead[j] = x[j] + step * v[j];
        }
        double[] there = velocity.at(i + 1, ahead);
        for (int j = 0; j < x.length; j++) {
          v[j] = (v[j] + there[j]) / 2;
        }
      }
      for (int j = 0; j < x.length; j++) {
        x[j] += step * v[j];
      }
    }
  }
}
