package dev.blockreel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher, in a checkout that counts as built, with a Java that tells how it was started. */
class LauncherTest {
  private static final Path LAUNCHER = Path.of("").toAbsolutePath().resolveSibling("blockreel");

  private static final String JAVA =
      """
      #!/bin/sh
      if [ "$1" = --version ]; then echo "openjdk ${VERSION:-17.0.1} 2021"; exit; fi
      echo "arenas $MALLOC_ARENA_MAX"
      echo "kernels $ONEDNN_PRIMITIVE_CACHE_CAPACITY"
      echo "tunables $GLIBC_TUNABLES"
      for argument; do echo "[$argument]"; done
      exit 3
      """;

  @TempDir private Path folder;
  private Path checkout;
  private Path launcher;

  @BeforeEach
  void makeCheckout() throws IOException {
    checkout = Files.createDirectories(folder.resolve("check out")).toRealPath();
    launcher = Files.copy(LAUNCHER, checkout.resolve("blockreel"));
    Files.createDirectories(checkout.resolve("samples/src/main"));
    write("pom.xml", "");
    write("samples/pom.xml", "");
    write("samples/target/blockreel-samples.jar", "");
    write("samples/target/classpath", checkout.resolve("pom.xml").toString());
    write("target/launcher/samples/built", checkout + "\n");
    write("target/launcher/samples/archived", "");
    FileTime later = FileTime.fromMillis(System.currentTimeMillis() + 60_000);
    Files.setLastModifiedTime(checkout.resolve("target/launcher/samples/built"), later);
    Files.setLastModifiedTime(checkout.resolve("target/launcher/samples/archived"), later);
    write("jdk/bin/java", JAVA);
    assertThat(checkout.resolve("jdk/bin/java").toFile().setExecutable(true)).isTrue();
    model("samples/models/small", 40);
    model("samples/models/large", 60);
    model("home/models/own large", 60);
  }

  private void write(String file, String text) throws IOException {
    Path path = checkout.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void model(String name, int megabytes) throws IOException {
    Path directory = Files.createDirectories(checkout.resolve(name));
    try (RandomAccessFile weights =
        new RandomAccessFile(directory.resolve("generator.safetensors").toFile(), "rw")) {
      weights.setLength((long) megabytes << 20); // takes no room on the disk
    }
  }

  /** What the launcher says, then its exit status. */
  private List<String> run(Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("bash", launcher.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.directory(folder.toFile());
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.matches("MALLOC_.*|GLIBC_.*|ONEDNN_.*|BLOCKREEL_.*"));
    builder.environment().put("JAVA_HOME", checkout.resolve("jdk").toString());
    builder.environment().put("BLOCKREEL_HOME", checkout.resolve("home").toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    List<String> lines = new ArrayList<>(said.lines().toList());
    lines.add("exit " + process.waitFor());
    return lines;
  }

  @Test
  void argumentsAndTheExitStatusPassThroughAsTheyAre() throws Exception {
    assertThat(
            run(
                Map.of("BLOCKREEL_JAVA_OPTS", "-Xmx1g -Da=b"),
                "generate",
                "--out",
                "a b/*.mp4",
                ""))
        .containsSubsequence(
            "[-Xmx1g]",
            "[-Da=b]",
            "[dev.blockreel.cli.Main]",
            "[generate]",
            "[--out]",
            "[a b/*.mp4]",
            "[]",
            "exit 3")
        .contains("[-Dblockreel.root=" + checkout + "]", "[-Dblockreel.terminal=false]");
  }

  @Test
  void aLinkToALinkToItWorks() throws Exception {
    launcher = Files.createSymbolicLink(folder.resolve("link"), Path.of("second link"));
    Files.createSymbolicLink(folder.resolve("second link"), checkout.resolve("blockreel"));
    assertThat(run(Map.of(), "doctor"))
        .contains("[-Dblockreel.root=" + checkout + "]", "[doctor]", "exit 3");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--model small", "--model=small", "--model small,small", "--port 0"})
  void smallModelsAreServedWithSeveralArenas(String options) throws Exception {
    assertThat(run(Map.of(), ("serve " + options).split(" ")))
        .contains("arenas 8", "kernels 128", "tunables ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--model|large",
        "--model=large",
        "--model|small,large",
        "--model|own large",
        "--model=check out/samples/models/large"
      })
  void aLargeModelIsServedWithOneArena(String options) throws Exception {
    assertThat(run(Map.of(), ("serve|" + options).split("\\|")))
        .contains("arenas 1", "kernels 128");
  }

  @Test
  void othersHaveOneArenaAndHugePages() throws Exception {
    assertThat(run(Map.of(), "generate", "--model", "small"))
        .contains("arenas 1", "kernels ", "tunables glibc.malloc.hugetlb=1");
  }

  @Test
  void whatTheUserSaysOfMemoryStays() throws Exception {
    Map<String, String> own =
        Map.of("MALLOC_ARENA_MAX", "3", "GLIBC_TUNABLES", "glibc.malloc.check=1");
    assertThat(run(own, "serve")).contains("arenas 3");
    assertThat(run(own, "generate")).contains("arenas 3", "tunables glibc.malloc.check=1");
  }

  @Test
  void anOldOrMissingJavaIsOneClearLine() throws Exception {
    assertThat(run(Map.of("VERSION", "11.0.2"), "doctor"))
        .containsExactly(
            "blockreel: needs Java 17 or newer: '" + checkout + "/jdk/bin/java' is version 11",
            "exit 1");
    assertThat(run(Map.of("JAVA_HOME", "/nowhere"), "doctor"))
        .containsExactly(
            "blockreel: needs Java 17 or newer: found no '/nowhere/bin/java'; install a JDK or set JAVA_HOME",
            "exit 1");
  }
}
