package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobStoreTest {
  static final VideoRequest REQUEST =
      new VideoRequest(
          "tiny",
          "walk-left",
          null,
          0,
          1,
          16,
          16,
          4,
          8,
          SamplingOptions.GREEDY,
          GenerationRequest.Mode.NBP,
          false);

  private final JobIds ids = new JobIds("test");
  @TempDir private Path folder;

  @Test
  void foldersThatAreNoJobsStay() throws IOException {
    Path half = Files.createDirectory(folder.resolve(ids.next(1)));
    Files.writeString(half.resolve("video.mp4"), "half");
    Path holidays = Files.createDirectory(folder.resolve("holidays"));
    Files.writeString(holidays.resolve("beach.mp4"), "not ours");
    Path similar = Files.createDirectory(folder.resolve("video_test_of_mine"));
    Files.writeString(similar.resolve("video.mp4"), "not ours");
    Path file = Files.writeString(folder.resolve(ids.next(2)), "no folder at all");
    assertThat(new JobStore(folder).load()).isEmpty();
    assertThat(half).doesNotExist();
    assertThat(holidays.resolve("beach.mp4")).exists();
    assertThat(similar.resolve("video.mp4")).exists();
    assertThat(file).exists();
  }

  @Test
  void recordsThatCannotBeReadAreLeftAlone() throws IOException {
    JobStore store = new JobStore(folder);
    JobRecord readable = stored(store);
    List<Path> unreadable =
        List.of(
            changed(stored(store), "(?s).*", "null"),
            changed(stored(store), "\"fps\":8.0", "\"fps\":0"),
            changed(stored(store), "\"fps\":8.0", "\"fps\":1e999"),
            changed(stored(store), "\"fps\":8.0", "\"fps\":\"NaN\""),
            changed(stored(store), "\"queued\"", "\"failed\""),
            changed(stored(store), "\"error\":null", "\"error\":{\"code\":null}"));
    List<String> before = new ArrayList<>();
    for (Path record : unreadable) {
      before.add(Files.readString(record));
    }
    assertThat(store.load()).containsExactly(readable);
    for (int i = 0; i < unreadable.size(); i++) {
      assertThat(unreadable.get(i)).hasContent(before.get(i));
    }
  }

  private JobRecord stored(JobStore store) {
    JobRecord record = JobRecord.queued(ids.next(1), "anyone", null, false, REQUEST, 1);
    store.create(record, null);
    return record;
  }

  private Path changed(JobRecord record, String pattern, String replacement) throws IOException {
    Path file = folder.resolve(record.id()).resolve("job.json");
    String text = Files.readString(file);
    String changed = text.replaceFirst(pattern, replacement);
    assertThat(changed).isNotEqualTo(text);
    return Files.writeString(file, changed);
  }
}
