package dev.blockreel.server.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Work that waits, in the order of its arrival. Any thread. */
final class WorkQueue {
  private final List<Work> waiting = new ArrayList<>();

  synchronized void add(Work work) {
    waiting.add(work);
  }

  synchronized boolean remove(Work work) {
    return waiting.remove(work);
  }

  /** 1 for the next one; 0 when it does not wait. */
  synchronized int position(Work work) {
    return waiting.indexOf(work) + 1;
  }

  synchronized int depth() {
    return waiting.size();
  }

  /**
   * Takes the next work that fits: the oldest one of the owner who has least running, so that one
   * owner's hundred clips do not hold up another one's first.
   *
   * @param running how much work each owner has running
   * @return the work, or null
   */
  synchronized Work take(Predicate<Work> fits, Map<String, Integer> running) {
    Work next = null;
    for (Work work : waiting) {
      if (fits.test(work)
          && (next == null
              || running.getOrDefault(work.owner(), 0) < running.getOrDefault(next.owner(), 0))) {
        next = work;
      }
    }
    if (next != null) {
      waiting.remove(next);
    }
    return next;
  }
}
