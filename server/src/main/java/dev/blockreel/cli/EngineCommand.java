package dev.blockreel.cli;

import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.failure.AtExit;
import dev.blockreel.script.NativeCalls;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all commands share. */
@Command(mixinStandardHelpOptions = true, versionProvider = Main.Version.class)
abstract class EngineCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--verbose",
      description = "Show what is done and how long it takes; for a failure, its stack trace.")
  private boolean verbose;

  /** Does the work; a failure is thrown. */
  abstract void run();

  /** What is done first when the process is told to end, by Ctrl-C say. */
  void end() {
    NativeCalls.end();
    PartFile.end();
  }

  @Override
  public final Integer call() {
    AtExit.guard(this::end, this::run);
    return 0;
  }

  final boolean verbose() {
    return verbose;
  }

  /** Where results go. */
  final PrintStream out() {
    return main().out();
  }

  /** Where progress goes: results can be piped on without it. */
  final PrintStream err() {
    return main().err();
  }

  private Main main() {
    return (Main) spec.root().userObject();
  }
}
