package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate",
        "encode",
        "decode",
        "reconstruct",
        "train",
        "inspect",
        "doctor",
        "bench"
      })
  void everyCommandExplainsItself(String command) {
    assertThat(CommandLineRun.of("--help").worked().out()).contains("  " + command);
    assertThat(CommandLineRun.of(command, "--help").worked().out())
        .startsWith("Usage: blockreel " + command);
  }

  @Test
  void versionIsPrinted() {
    assertThat(CommandLineRun.of("--version").worked().out()).startsWith("blockreel ");
  }

  @Test
  void wrongUsageIsOneLineAndTwo() {
    CommandLineRun.of().failedWith(2, "Missing required subcommand", "blockreel --help");
    CommandLineRun.of("genrate").failedWith(2, "'genrate'", "near: generate");
    CommandLineRun.of("generate").failedWith(2, "--model=MODEL", "blockreel generate --help");
    CommandLineRun.of("inspect", "m", "--scirpt").failedWith(2, "'--scirpt'", "near: --script");
    CommandLineRun.of("generate").failedWith(2, "blockreel: Missing required argument");
    CommandLineRun.of("generate", "--mode", "all")
        .failedWith(2, "Invalid value for option '--mode': expected one of ntp, nbp: got all; see");
    CommandLineRun.of("import", "--hyper", "all")
        .failedWith(2, "blockreel: Value for option '--hyper'");
    CommandLineRun.of("train", "all").failedWith(2, "'all'", "blockreel train --help");
  }

  @Test
  void tracesAreForVerboseOnly() {
    CommandLineRun quiet = CommandLineRun.of("inspect", folder.resolve("none"));
    quiet.failedWith(2, "no model");
    assertThat(CommandLineRun.of("inspect", folder.resolve("none"), "--verbose").err())
        .startsWith(quiet.err())
        .contains("\tat dev.blockreel.checkpoint.ModelDirectory");
  }

  @Test
  void doctorNamesWhatABugReportNeeds() {
    assertThat(CommandLineRun.of("doctor").worked().out())
        .contains(
            "java ",
            "libtorch ",
            "DJL ",
            "convolutions ",
            "ffmpeg ",
            "opencv ",
            "threads ",
            "models ")
        .doesNotContain("\0");
  }
}
