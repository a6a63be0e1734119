package dev.blockreel.server.operations;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives native memory that is free back to the system once the server has rested for a while. Under
 * load it stays with the process: the next step would fetch the same pages again, and the system
 * clear each of them.
 */
public final class NativeHeap {
  private static final Logger LOG = LoggerFactory.getLogger(NativeHeap.class);

  /** Whoever comes after a rest waits longer for the first frame: short pauses are none. */
  private static final int REST_SECONDS = 10;

  /** A server that never rests has free memory that no step will want, too. */
  private static final int LONGEST_SECONDS = 600;

  private int rested;
  private int kept;

  /**
   * To be told each second, on one thread, whether anything is being generated.
   *
   * @return whether it is time to {@link #trim}: in each rest, and else now and then
   */
  public boolean due(boolean busy) {
    rested = busy ? 0 : rested + 1;
    kept++;
    boolean due = rested == REST_SECONDS || kept == LONGEST_SECONDS;
    kept = due ? 0 : kept;
    return due;
  }

  /** Gives free memory back, where the JVM can. Takes milliseconds: not for an event loop. */
  public void trim() {
    try {
      ManagementFactory.getPlatformMBeanServer()
          .invoke(
              new ObjectName("com.sun.management:type=DiagnosticCommand"),
              "systemTrimNativeHeap",
              new Object[0],
              new String[0]);
    } catch (JMException e) {
      // Only some JVMs for Linux have this command.
      LOG.debug("free native memory stays with the process: {}", e.getMessage());
    }
  }
}
