package dev.blockreel.script;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * What goes round each native call: it begins with everything in reach ({@link Overflow}), and lets
 * a process end in peace. The end of a Java process tears libtorch down at once, and a method that
 * still runs in it crashes; so who ends the process calls {@link #end} first.
 */
public final class NativeCalls {
  /** Any number of calls at a time, or, once, the end. */
  private static final ReadWriteLock CALLS = new ReentrantReadWriteLock();

  private NativeCalls() {}

  static <T> T run(Supplier<T> call) {
    Lock running = CALLS.readLock();
    running.lock();
    try {
      Overflow.happen();
      return call.get();
    } finally {
      running.unlock();
    }
  }

  /** Waits until no compiled method runs, and lets none begin any more: whoever tries waits. */
  public static void end() {
    CALLS.writeLock().lock();
  }
}
