package dev.blockreel.samples.sprites;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * A program of this package. Exit code 0 done, 1 failed, 2 wrong usage; a failure is one line on
 * the error stream.
 */
abstract class SampleProgram implements Callable<Integer> {
  @Spec private CommandSpec spec;

  /** Does the work; a failure is thrown. */
  abstract void run();

  @Override
  public final Integer call() {
    run();
    return 0;
  }

  /** Where progress goes. */
  final PrintWriter terminal() {
    return spec.commandLine().getErr();
  }

  /** Runs a program and returns its exit code. */
  static int run(SampleProgram program, String... arguments) {
    return new CommandLine(program)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(SampleProgram::explain)
        .execute(arguments);
  }

  private static int explain(
      Exception failure, CommandLine commandLine, CommandLine.ParseResult parsed) throws Exception {
    if (!(failure instanceof EngineFailure coded)) {
      throw failure;
    }
    commandLine.getErr().println(commandLine.getCommandName() + ": " + coded.getMessage());
    return coded.code() == FailureCode.BAD_REQUEST ? 2 : 1;
  }
}
