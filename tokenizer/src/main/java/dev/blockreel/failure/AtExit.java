package dev.blockreel.failure;

/**
 * What is still done when the process is told to end, by Ctrl-C say, which runs no finally block.
 */
public final class AtExit {
  private AtExit() {}

  /** Work that may fail in its own way. */
  @FunctionalInterface
  public interface Work<E extends Exception> {
    /** Does it. */
    void run() throws E;
  }

  /**
   * Does some work.
   *
   * @param otherwise runs, on a thread of its own, if the process is told to end meanwhile
   */
  public static <E extends Exception> void guard(Runnable otherwise, Work<E> work) throws E {
    Thread hook = new Thread(otherwise, "end");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      work.run();
    } finally {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The process is ending: the hook runs.
      }
    }
  }
}
