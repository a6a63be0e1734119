package dev.blockreel.sampler;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.failure.EngineFailure;
import java.util.Locale;

/**
 * How continuous latents are drawn.
 *
 * @param steps of the solver for each entity, at least 1
 * @param solver which way noise is removed
 * @param times how the steps are spread
 * @param guidance how guidance differs between entities
 */
public record FlowOptions(int steps, FlowSolver.Kind solver, TimeGrid times, Guidance guidance) {
  /** As xAR-B was published. */
  public static final FlowOptions PUBLISHED =
      new FlowOptions(40, FlowSolver.Kind.EULER_MARUYAMA, TimeGrid.PUBLISHED, Guidance.LINEAR);

  /** Reads them from {@code sampling} of a model; what is not said is as published. */
  static FlowOptions of(JsonNode sampling) {
    return new FlowOptions(
        sampling.path("steps").asInt(PUBLISHED.steps),
        FlowSolver.Kind.parse(sampling.path("solver").asText(PUBLISHED.solver.toString())),
        TimeGrid.parse(sampling.path("times").asText(PUBLISHED.times.name())),
        Guidance.parse(sampling.path("guidance").asText(PUBLISHED.guidance.name())));
  }

  /** Checks the ranges. */
  public FlowOptions {
    requireNonNull(solver, "solver is null");
    requireNonNull(times, "times is null");
    requireNonNull(guidance, "guidance is null");
    if (steps < 1 || steps > 1000) {
      throw EngineFailure.badRequest("steps must lie between 1 and 1000: got %d", steps);
    }
  }

  /** The same with another number of steps. */
  public FlowOptions withSteps(int other) {
    return new FlowOptions(other, solver, times, guidance);
  }

  /** Where steps begin; the last one ends at 0. */
  public enum TimeGrid {
    /** Even steps from 1 to 0.04, then one to 0. */
    PUBLISHED,
    /** Even steps from 1 to 0. */
    EVEN,
    /** Shorter steps where there is most noise. */
    COSINE;

    /** The times at which {@code steps} steps begin, falling from 1. */
    public double[] of(int steps) {
      double[] times = new double[steps];
      for (int i = 0; i < steps; i++) {
        times[i] =
            switch (this) {
              case PUBLISHED -> i == 0 ? 1 : 1 - 0.96 * i / (steps - 1);
              case EVEN -> 1 - (double) i / steps;
              case COSINE -> Math.cos(Math.PI / 2 * i / steps);
            };
      }
      return times;
    }

    /**
     * Reads what a user writes.
     *
     * @throws EngineFailure BAD_REQUEST for anything else
     */
    public static TimeGrid parse(String name) {
      return FlowOptions.parse(TimeGrid.class, "times", name);
    }
  }

  /** How strong guidance is. */
  public enum Guidance {
    /** The same for all entities. */
    CONSTANT,
    /** From none for the first entity to all for the last. */
    LINEAR;

    /**
     * The factor between the velocities without and with the class; 1 is no guidance.
     *
     * @param cfg the factor asked for; 1 and less is none
     * @param entity number of the entity
     * @param entities how many there are
     */
    public double scale(double cfg, int entity, int entities) {
      if (cfg <= 1) {
        return 1;
      }
      return this == CONSTANT || entities == 1 ? cfg : 1 + (cfg - 1) * entity / (entities - 1);
    }

    /**
     * Reads what a user writes.
     *
     * @throws EngineFailure BAD_REQUEST for anything else
     */
    public static Guidance parse(String name) {
      return FlowOptions.parse(Guidance.class, "guidance", name);
    }
  }

  private static <E extends Enum<E>> E parse(Class<E> type, String what, String name) {
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(name.toUpperCase(Locale.ROOT))) {
        return value;
      }
    }
    throw EngineFailure.badRequest(
        "unknown %s \"%s\": expected one of %s",
        what,
        name,
        String.join(
            ", ",
            java.util.Arrays.stream(type.getEnumConstants())
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .toList()));
  }
}
