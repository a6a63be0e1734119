package dev.blockreel.cli;

import java.io.PrintStream;
import java.time.Duration;

/**
 * One line that tells how far the work is: on a terminal it is written over, elsewhere (a log, a
 * pipe) it is repeated now and then.
 */
final class Progress {
  private static final long TERMINAL_PAUSE = Duration.ofMillis(100).toNanos();
  private static final long LOG_PAUSE = Duration.ofSeconds(10).toNanos();

  private final PrintStream stream;
  private final boolean terminal;
  private long shown = System.nanoTime();
  private String line = "";
  private int printed;
  private boolean pending;

  Progress(PrintStream stream) {
    // Java cannot tell where its error stream goes, but the launcher can.
    this(stream, Boolean.getBoolean("blockreel.terminal"));
  }

  Progress(PrintStream stream, boolean terminal) {
    this.stream = stream;
    this.terminal = terminal;
  }

  /** Says how far the work is; cheap enough for every step. */
  void show(String format, Object... values) {
    line = format.formatted(values);
    pending = true;
    long now = System.nanoTime();
    if (now - shown > (terminal ? TERMINAL_PAUSE : LOG_PAUSE)) {
      shown = now;
      print();
    }
  }

  private void print() {
    if (terminal) {
      stream.print("\r" + line + " ".repeat(Math.max(0, printed - line.length())));
    } else {
      stream.println(line);
    }
    stream.flush();
    printed = line.length();
    pending = false;
  }

  /** Shows the last state and ends the line. */
  void end() {
    if (pending) {
      print();
    }
    if (terminal && !line.isEmpty()) {
      stream.println();
    }
    line = "";
    printed = 0;
  }
}
