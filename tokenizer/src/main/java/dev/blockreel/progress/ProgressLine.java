package dev.blockreel.progress;

import java.io.PrintStream;
import java.time.Duration;

/**
 * One line that tells how far a long work is: on a terminal it is written over, elsewhere (a log, a
 * pipe) it is repeated now and then. A work that is done before the first time is up shows its last
 * state only.
 */
public final class ProgressLine implements AutoCloseable {
  private static final long TERMINAL_PAUSE = Duration.ofMillis(100).toNanos();
  private static final long LOG_PAUSE = Duration.ofSeconds(20).toNanos();

  private final PrintStream stream;
  private final boolean terminal;
  private long shown = System.nanoTime();
  private String format = "";
  private Object[] values = {};
  private boolean pending;
  private int printed;

  /**
   * @param terminal whether {@code stream} is shown on one
   */
  ProgressLine(PrintStream stream, boolean terminal) {
    this.stream = stream;
    this.terminal = terminal;
  }

  // Java cannot tell where its streams go, but the launcher can.

  /** For the standard output of the process. */
  public static ProgressLine onOutput(PrintStream stream) {
    return new ProgressLine(stream, Boolean.getBoolean("blockreel.terminal.out"));
  }

  /** For its error stream. */
  public static ProgressLine onError(PrintStream stream) {
    return new ProgressLine(stream, Boolean.getBoolean("blockreel.terminal"));
  }

  /** Says how far the work is; cheap enough for every step: only what is printed is formatted. */
  public void show(String format, Object... values) {
    this.format = format;
    this.values = values;
    pending = true;
    long now = System.nanoTime();
    if (now - shown > (terminal ? TERMINAL_PAUSE : LOG_PAUSE)) {
      shown = now;
      print();
    }
  }

  /** Ends the line and prints another one that stays. */
  public void note(String text) {
    close();
    stream.println(text);
  }

  private void print() {
    String line = format.formatted(values);
    if (terminal) {
      stream.print("\r" + line + " ".repeat(Math.max(0, printed - line.length())));
    } else {
      stream.println(line);
    }
    stream.flush();
    printed = line.length();
    pending = false;
  }

  /** Shows the last state and ends the line; another one may follow. */
  @Override
  public void close() {
    if (pending) {
      print();
    }
    if (terminal && printed > 0) {
      stream.println();
    }
    printed = 0;
  }
}
