package dev.blockreel.cli;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Entry point of {@code ./blockreel}. Exit codes: 0 done, 1 failed, 2 wrong usage. A failure is one
 * line on the error stream, with {@code --verbose} followed by its stack trace.
 */
@Command(
    name = "blockreel",
    description = "Generates video and images block by block.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      Generate.class,
      Render.class,
      Encode.class,
      Decode.class,
      Reconstruct.class,
      Train.class,
      Evaluate.class,
      Import.class,
      Inspect.class,
      Serve.class,
      Bench.class,
      Doctor.class
    })
public final class Main {
  private final PrintStream out;
  private final PrintStream err;

  private Main(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /** Runs the command and ends the process. */
  public static void main(String[] args) {
    int code = run(args, utf8(System.out), utf8(System.err));
    System.exit(code);
  }

  /**
   * Runs a command in this process.
   *
   * @param args command and options
   * @param out where results are printed
   * @param err where progress and failures are printed
   * @return the exit code
   */
  public static int run(String[] args, PrintStream out, PrintStream err) {
    // Digits in files, messages and scripts do not depend on who runs the command.
    Locale.setDefault(Locale.ROOT);
    try {
      return execute(args, out, err);
    } catch (LinkageError e) {
      Throwable root = root(e);
      if (root instanceof EngineFailure failure) { // as of a device that is not there
        return failed(err, failure);
      }
      err.println(
          "blockreel: a native library could not be loaded: "
              + oneLine(String.valueOf(root.getMessage())));
      return CommandLine.ExitCode.SOFTWARE;
    } catch (OutOfMemoryError e) {
      err.println("blockreel: out of memory: give more with BLOCKREEL_JAVA_OPTS=-Xmx8g, say");
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  /** What is behind a failure to load a class. */
  static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  private static int execute(String[] args, PrintStream out, PrintStream err) {
    return new CommandLine(new Main(out, err))
        .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(err, true, StandardCharsets.UTF_8))
        .registerConverter(Path.class, Main::path)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((wrong, given) -> misused(err, wrong))
        .setExecutionExceptionHandler((failure, command, parsed) -> failed(err, failure, parsed))
        .execute(args);
  }

  private static Path path(String text) {
    if (text.isEmpty()) {
      throw new TypeConversionException("an empty path was given"); // as of an unset variable
    }
    return Path.of(text);
  }

  private static int misused(PrintStream err, ParameterException wrong) {
    CommandLine command = wrong.getCommandLine();
    String near =
        wrong instanceof UnmatchedArgumentException unmatched
                && !unmatched.getSuggestions().isEmpty()
            ? "; near: " + String.join(", ", unmatched.getSuggestions())
            : "";
    err.printf(
        "blockreel: %s%s; see %s --help%n",
        plain(oneLine(wrong.getMessage())), near, command.getCommandSpec().qualifiedName());
    return CommandLine.ExitCode.USAGE;
  }

  /** The library's words, as ours are where we check ourselves. */
  private static String plain(String message) {
    Matcher choice =
        Pattern.compile("expected one of \\[(.*)] \\(case-insensitive\\) but was '(.*)'")
            .matcher(message);
    return choice
        .replaceFirst(
            found ->
                Matcher.quoteReplacement(
                    "expected one of %s: got %s"
                        .formatted(found.group(1).toLowerCase(Locale.ROOT), found.group(2))))
        .replaceFirst("^Error: ", "")
        .replaceFirst("^Value for option option ", "Value for option ");
  }

  private static int failed(PrintStream err, Exception failure, ParseResult parsed) {
    int code = failed(err, failure);
    while (parsed.hasSubcommand()) {
      parsed = parsed.subcommand();
    }
    if (parsed.matchedOptionValue("--verbose", false)) {
      failure.printStackTrace(err);
    }
    return code;
  }

  private static int failed(PrintStream err, Exception failure) {
    err.println("blockreel: " + describe(failure));
    boolean wrongUsage =
        failure instanceof EngineFailure coded && coded.code() == FailureCode.BAD_REQUEST;
    return wrongUsage ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
  }

  private static String describe(Exception failure) {
    String message = oneLine(Objects.requireNonNullElse(failure.getMessage(), ""));
    return failure instanceof EngineFailure
        ? message
        : "a fault of Blockreel itself: %s: %s; --verbose shows where"
            .formatted(failure.getClass().getSimpleName(), message);
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  private static PrintStream utf8(PrintStream stream) {
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  PrintStream out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  /** The version that the build wrote into the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"blockreel " + text()};
    }

    static String text() {
      String version = Main.class.getPackage().getImplementationVersion();
      return version == null ? "(not from a jar)" : version;
    }
  }
}
