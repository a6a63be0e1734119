package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a command did.
 *
 * @param code exit code
 * @param out what it printed
 * @param err its progress and failures
 */
record CommandLineRun(int code, String out, String err) {
  /** Runs a command in this process; arguments may be paths and numbers. */
  static CommandLineRun of(Object... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new CommandLineRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** It worked. */
  CommandLineRun worked() {
    assertThat(code).as(err).isZero();
    return this;
  }

  /** It failed with one line that says all of {@code parts}, and printed nothing else. */
  void failedWith(int expectedCode, String... parts) {
    assertThat(err).startsWith("blockreel: ").contains(parts).hasLineCount(1);
    assertThat(code).isEqualTo(expectedCode);
    assertThat(out).isEmpty();
  }
}
