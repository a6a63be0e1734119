package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.NavigableSet;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Named tensors in a file, read when asked for. Safe to use from several threads until closed;
 * buffers handed out stay valid after that.
 */
public interface TensorFile extends AutoCloseable {
  /** The names, in the order in which the file holds them. */
  Set<String> names();

  /**
   * Type and shape of a tensor.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor
   */
  TensorInfo info(String name);

  /**
   * Some elements of a tensor in row-major order, for tensors that are too large for one buffer.
   *
   * @param firstElement index of the first element, row-major
   * @param elements how many
   * @return little-endian, position 0, limit = {@code elements} times the element size; direct (and
   *     mapped where the file is); read-only
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor; UNSUPPORTED when
   *     the part has 2 GiB or more
   * @throws IndexOutOfBoundsException when the tensor has no such elements
   */
  ByteBuffer bytes(String name, long firstElement, int elements);

  /**
   * A whole tensor, contiguous and row-major.
   *
   * @return as {@link #bytes(String, long, int)}
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor; UNSUPPORTED when it
   *     has 2 GiB or more
   */
  default ByteBuffer bytes(String name) {
    TensorInfo info = info(name);
    if (info.bytes() > Integer.MAX_VALUE) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "tensor %s of %s has %d bytes; one buffer holds less than 2 GiB: read it in parts"
              .formatted(info, path(), info.bytes()));
    }
    return bytes(name, 0, (int) info.elements());
  }

  /**
   * At which byte of {@link #path} a tensor begins, where its bytes lie there as {@link #bytes}
   * gives them, for those who map the file themselves.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor
   */
  default OptionalLong place(String name) {
    info(name);
    return OptionalLong.empty();
  }

  /**
   * A tensor of any float type as floats, row-major; F16 and BF16 exactly, F64 rounded.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor or it holds
   *     integers; UNSUPPORTED when it is too long for an array
   */
  default float[] floats(String name) {
    return TensorValues.floats(this, info(name));
  }

  /**
   * A tensor of any integer type as longs, row-major; BOOL as 0 and 1, U8 as 0 to 255.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor or it holds floats;
   *     UNSUPPORTED when it is too long for an array
   */
  default long[] integers(String name) {
    return TensorValues.integers(this, info(name));
  }

  /** Free text that goes with the tensors; empty where the format has none. */
  Map<String, String> metadata();

  /** The file. */
  Path path();

  /**
   * One side of a tensor, to read the sizes of a network from.
   *
   * @param rank how many dimensions it must have
   * @return 0 to 2^24
   * @throws EngineFailure CHECKPOINT_MISMATCH when there is no such tensor, or it is another one
   */
  default int size(String name, int dimension, int rank) {
    long[] shape = info(name).shape();
    if (shape.length != rank || shape[dimension] > 1 << 24) {
      throw mismatch("tensor %s: expected %d dimensions", info(name), rank);
    }
    return (int) shape[dimension];
  }

  /**
   * How many tensors of a kind there are.
   *
   * @param name theirs, with a %d that counts from 0
   */
  default int count(String name) {
    int count = 0;
    while (names().contains(name.replace("%d", Integer.toString(count)))) {
      count++;
    }
    return count;
  }

  /** Whether some name begins with a prefix; to be asked often, as it sorts the names once. */
  default Predicate<String> prefixes() {
    NavigableSet<String> sorted = new TreeSet<>(names());
    return prefix -> {
      String next = sorted.ceiling(prefix);
      return next != null && next.startsWith(prefix);
    };
  }

  /** A CHECKPOINT_MISMATCH that names this file; {@code why} is a format. */
  default EngineFailure mismatch(String why, Object... values) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH, path() + ": " + why.formatted(values));
  }

  /** Lets go of the file. */
  @Override
  void close();

  /**
   * The same tensors under other names; how a family's loader turns a published layout into ours.
   *
   * @param rename gives each tensor its name, or null to leave it out
   * @return closes this file when closed
   * @throws EngineFailure CHECKPOINT_MISMATCH when two tensors get one name
   */
  default TensorFile renamed(UnaryOperator<String> rename) {
    return new RenamedTensors(this, rename);
  }

  /**
   * The same tensors without what wrappers of a network put into their names: {@code module.},
   * wherever it stands in a name that begins with it, and {@code _orig_mod.} of a compiled part.
   *
   * @return closes this file when closed
   * @throws EngineFailure CHECKPOINT_MISMATCH when two tensors get one name; this is closed then
   */
  default TensorFile unwrapped() {
    try {
      return renamed(
          name -> {
            String plain = name.replace("_orig_mod.", "");
            return plain.startsWith("module.") ? plain.replace("module.", "") : plain;
          });
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }
}
