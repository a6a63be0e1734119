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

  @Test
  void newJobsDoNotWaitForAllOldOnesToGo() {
    JobStore store = new JobStore(folder);
    JobIds ids = new JobIds("test");
    NavigableMap<String, Job> jobs = new TreeMap<>(JobIds.BY_AGE);
    for (int i = 0; i < STORED + 2 * DiskRoom.AT_ONCE + 1; i++) {
      JobRecord queued =
          JobRecord.queued(ids.next(i), "anyone", null, false, JobStoreTest.REQUEST, i);
      JobRecord record = queued.begun(i).completed(1, i, Long.MAX_VALUE);
      jobs.put(record.id(), new Job(null, record, store.folder(record.id()), null));
    }
    String newest = jobs.lastKey();
    Queue<Runnable> later = new ArrayDeque<>();
    DiskRoom room = new DiskRoom(jobs, store, Limits.DEFAULT, later::add);
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
