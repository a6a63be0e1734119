package dev.blockreel.train;

import java.io.PrintStream;
import java.time.Duration;

/**
 * One line that tells how far a long work is: on a terminal it is written over, elsewhere (a log, a
 * pipe) it is repeated now and then. Closing it shows the last state and ends the line.
 */
final class ProgressLine implements AutoCloseable {
  private static final long TERMINAL_PAUSE = Duration.ofMillis(100).toNanos();
  private static final long LOG_PAUSE = Duration.ofSeconds(30).toNanos();

  private final PrintStream console;
  private final boolean terminal;
  private long shown;
  private String line = "";
  private boolean pending;
  private int printed;

  /** For a console that the launcher may have found to be a terminal. */
  ProgressLine(PrintStream console) {
    this(console, Boolean.getBoolean("blockreel.terminal.out"));
  }

  ProgressLine(PrintStream console, boolean terminal) {
    this.console = console;
    this.terminal = terminal;
  }

  /** Says how far the work is; the first time at once. */
  void show(String text) {
    line = text;
    pending = true;
    long now = System.nanoTime();
    if (shown == 0 || now - shown > (terminal ? TERMINAL_PAUSE : LOG_PAUSE)) {
      shown = now;
      print();
    }
  }

  /** Ends the line and prints another one that stays. */
  void note(String text) {
    end();
    console.println(text);
  }

  private void print() {
    if (terminal) {
      console.print("\r" + line + " ".repeat(Math.max(0, printed - line.length())));
    } else {
      console.println(line);
    }
    console.flush();
    printed = line.length();
    pending = false;
  }

  private void end() {
    if (pending) {
      print();
    }
    if (terminal && printed > 0) {
      console.println();
    }
    printed = 0;
  }

  @Override
  public void close() {
    end();
  }
}
