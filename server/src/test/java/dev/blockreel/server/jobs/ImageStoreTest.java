package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageStoreTest {
  @TempDir private Path folder;

  private static Limits limits(int images, long bytes) {
    Limits usual = Limits.DEFAULT;
    return new Limits(
        usual.batch(),
        usual.queue(),
        usual.perOwner(),
        usual.queueTime(),
        usual.jobTime(),
        Duration.ofHours(1),
        images,
        bytes,
        usual.bodyBytes(),
        usual.grace());
  }

  private Path image(ImageStore store, int minutesAgo) throws IOException {
    Path file = store.file(store.newId(), "png");
    Files.write(file, new byte[100]);
    Instant since = Instant.now().minus(Duration.ofMinutes(minutesAgo));
    return Files.setLastModifiedTime(file, FileTime.from(since));
  }

  @Test
  void theOldestImagesMakeRoom() throws IOException {
    ImageStore store = new ImageStore(folder, limits(2, 1000));
    Path second = image(store, 20);
    Path oldest = image(store, 30);
    Path newest = image(store, 10);
    store.sweep();
    assertThat(oldest).doesNotExist();
    assertThat(second).exists();
    assertThat(newest).exists();
  }

  @Test
  void whatTheyTakeTogetherIsBounded() throws IOException {
    ImageStore store = new ImageStore(folder, limits(10, 150));
    Path older = image(store, 20);
    Path newer = image(store, 10);
    store.sweep();
    assertThat(older).doesNotExist();
    assertThat(newer).exists();
  }

  @Test
  void filesThatAreNoImagesOfItsOwnStayAndDoNotCount() throws IOException {
    ImageStore store = new ImageStore(folder, limits(1, 100));
    Path image = image(store, 20);
    Path foreign = Files.write(folder.resolve("image_of_my_cat.png"), new byte[100]);
    Path old = Files.write(folder.resolve("notes.txt"), new byte[100]);
    Files.setLastModifiedTime(old, FileTime.from(Instant.EPOCH));
    store.sweep();
    assertThat(image).exists();
    assertThat(foreign).exists();
    assertThat(old).exists();
  }

  @Test
  void draftsThatACrashLeftAreRemoved() throws IOException {
    Path drafts = Files.createDirectory(folder.resolve("drafts"));
    Path left = Files.write(drafts.resolve("image_" + "0f".repeat(16) + ".webp"), new byte[100]);
    Path foreign = Files.write(drafts.resolve("sketch.png"), new byte[100]);
    Path image = image(new ImageStore(folder, limits(10, 1000)), 0);
    new ImageStore(folder, limits(10, 1000));
    assertThat(left).doesNotExist();
    assertThat(foreign).exists();
    assertThat(image).exists();
  }

  @Test
  void imagesExpire() throws IOException {
    ImageStore store = new ImageStore(folder, limits(10, 1000));
    Path expired = image(store, 61);
    Path young = image(store, 59);
    store.sweep();
    assertThat(expired).doesNotExist();
    assertThat(young).exists();
  }
}
