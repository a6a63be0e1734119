package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.file.Path;

/** The two ways in which a PyTorch file is turned down. */
final class Refusal {
  private Refusal() {}

  /** The file asks for code to be run, or is built to harm its reader. */
  static EngineFailure unsafe(Path file, String why) {
    return new EngineFailure(
        FailureCode.UNSAFE_CHECKPOINT, "%s is unsafe and was not read: %s".formatted(file, why));
  }

  /** The file is damaged, cut off or something else. */
  static EngineFailure broken(Path file, String why) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        "%s is not a whole PyTorch checkpoint: %s".formatted(file, why));
  }
}
