package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.NavigableMap;
import java.util.Queue;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskRoomTest {
  private static final int STORED = Limits.DEFAULT.storedJobs();

  @TempDir private Path folder;

  private final NavigableMap<String, Job> jobs = new TreeMap<>(JobIds.BY_AGE);
  private final Queue<Runnable> later = new ArrayDeque<>();

  /**
   * @param expires when the jobs at even places do, the first one's included
   */
  private DiskRoom room(int finished, long expires) {
    JobStore store = new JobStore(folder);
    JobIds ids = new JobIds("test");
    for (int i = 0; i < finished; i++) {
      JobRecord queued =
          JobRecord.queued(ids.next(i), "anyone", null, false, JobStoreTest.REQUEST, i);
      JobRecord record = queued.begun(i).completed(1, i, i % 2 == 0 ? expires : Long.MAX_VALUE);
      jobs.put(record.id(), new Job(null, record, store.folder(record.id()), null));
    }
    return new DiskRoom(jobs, store, Limits.DEFAULT, later::add);
  }

  @Test
  void whatHasExpiredGoesFewAtATimeAndNothingElse() {
    DiskRoom room = room(2 * DiskRoom.AT_ONCE + 2, 1);
    room.make();
    assertThat(jobs).hasSize(DiskRoom.AT_ONCE + 2);
    later.remove().run();
    assertThat(jobs.values())
        .hasSize(DiskRoom.AT_ONCE + 1)
        .allMatch(job -> job.record().expiresAt() == Long.MAX_VALUE);
    assertThat(later).isEmpty();
  }

  @Test
  void newJobsDoNotWaitForAllOldOnesToGo() {
    DiskRoom room = room(STORED + 2 * DiskRoom.AT_ONCE + 1, Long.MAX_VALUE);
    String newest = jobs.lastKey();
    room.make();
    assertThat(jobs).hasSize(STORED + DiskRoom.AT_ONCE + 1);
    room.make(); // as at the end of another job
    assertThat(jobs).hasSize(STORED + 1);
    assertThat(later).as("turns of its own that wait").hasSize(1);
    later.remove().run();
    assertThat(jobs).hasSize(STORED).containsKey(newest);
    assertThat(later).isEmpty();
  }
}
