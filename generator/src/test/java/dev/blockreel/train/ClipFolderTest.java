package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipFolderTest {
  @TempDir private Path folder;

  @BeforeEach
  void makeClips() throws IOException {
    SmallTraining.clips(folder, "left", "right", SmallTraining::square);
  }

  @Test
  void foldersOfImagesAreClips() throws IOException {
    Path clip = image("turned/round");
    ClipFolder listed = ClipFolder.list(folder);
    assertThat(listed.classes()).containsExactly("left", "right", "turned");
    assertThat(listed.clips()).hasSize(7).contains(new ClipFolder.Item(clip, 2));
    assertThat(listed.skipped()).isEmpty();
    assertThatCode(() -> listed.requireReadable(SILENT)).doesNotThrowAnyException();
    assertThat(ClipReader.read(clip, ClipSampling.ALL).frames()).isEqualTo(1);
  }

  @Test
  void anImageThatChangesChangesTheDigest() throws IOException {
    Path image = image("turned/round").resolve("frame.png");
    String before = ClipFolder.list(folder).digest("");
    Files.write(image, new byte[1]);
    assertThat(ClipFolder.list(folder).digest("")).isNotEqualTo(before);
  }

  private Path image(String name) throws IOException {
    Path clip = Files.createDirectories(folder.resolve(name));
    ClipWriter.write(clip.resolve("frame.png"), SmallTraining.square(true, 0).slice(0, 1));
    return clip;
  }

  @Test
  void whatIsNoClipIsSkippedAndTold() throws IOException {
    Files.writeString(folder.resolve("left/notes.txt"), "");
    assertThat(told()).containsExactly("6 clips of 2 classes in " + folder, oneLine());
    Files.writeString(folder.resolve("LICENSE"), "");
    Files.createDirectories(folder.resolve("none"));
    Files.createDirectories(folder.resolve("right/more"));
    assertThat(told().get(1))
        .isEqualTo(
            "skipped 4 that are no clips: LICENSE, %s, none, and 1 more"
                .formatted(Path.of("left/notes.txt")));
    assertThat(ClipFolder.list(folder).classes()).containsExactly("left", "right");
  }

  private static String oneLine() {
    return "skipped 1 that is no clip: " + Path.of("left/notes.txt");
  }

  private List<String> told() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ClipFolder.list(folder, new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void clipsFromAllOverAreShownOnceEach() {
    ClipFolder listed = ClipFolder.list(folder);
    assertThat(listed.spread(4))
        .extracting(item -> listed.clips().indexOf(item))
        .containsExactly(0, 1, 3, 4);
    assertThat(listed.spread(64)).isEqualTo(listed.clips());
  }

  @Test
  void clipsThatCannotBeReadAreFoundBeforeTheFirstStep() throws IOException {
    Files.write(folder.resolve("left/empty.mp4"), new byte[0]);
    Files.write(folder.resolve("right/noise.avi"), new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    assertThatThrownBy(() -> ClipFolder.list(folder).requireReadable(SILENT))
        .hasMessageStartingWith("2 of 8 clips cannot be used: ")
        .hasMessageContainingAll("empty.mp4 is empty; ", "noise.avi is not a video");
  }
}
