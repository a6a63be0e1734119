package dev.blockreel.evaluate;

/** Told how far an evaluation is, on the thread that evaluates. */
@FunctionalInterface
public interface EvaluationProgress {
  /** Shows nothing. */
  EvaluationProgress NONE = (work, done, total) -> {};

  /**
   * @param work what is being done
   * @param done how many of
   * @param total clips are done
   */
  void show(String work, int done, int total);

  /** Told something that is to stay, one line. */
  default void note(String line) {}
}
