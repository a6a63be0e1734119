package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file written by {@code torch.save}, in the zip format of PyTorch 1.6 and later or the format
 * before it. Its pickle is read as data: nothing in it is run, whatever it asks for. Tensors are
 * mapped into memory when asked for.
 *
 * <pre>{@code
 * try (TorchFile file = TorchFile.read(path)) {
 *   TensorFile weights = file.tensors("model_state_dict");
 * }
 * }</pre>
 */
public final class TorchFile implements AutoCloseable {
  /** Under which names tools keep a network's tensors, where they keep other things as well. */
  private static final List<String> STATES =
      List.of("state_dict", "model_state_dict", "model", "module");

  private static final int TAR_MAGIC = 257;

  private final MappedFile file;
  private final Contents contents;

  /**
   * What a file holds.
   *
   * @param root the unpickled object
   * @param storages storage key → position of its first byte in the file
   */
  record Contents(Object root, Map<String, Long> storages) {}

  private TorchFile(MappedFile file, Contents contents) {
    this.file = file;
    this.contents = contents;
  }

  /**
   * Reads the object tree of a checkpoint.
   *
   * @return to be closed by the caller
   * @throws EngineFailure MEDIA when the file cannot be read; CHECKPOINT_MISMATCH when it is
   *     damaged or no PyTorch checkpoint; UNSAFE_CHECKPOINT when it asks for code to be run or is
   *     built to harm its reader; UNSUPPORTED when it is of a kind that this engine does not read
   */
  public static TorchFile read(Path path) {
    MappedFile file = MappedFile.open(path);
    try {
      return new TorchFile(file, contents(file));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Opens the tensors of a network that was saved alone, or by a tool that keeps more beside it:
   * Lightning, DeepSpeed, training scripts.
   *
   * @return to be closed by the caller
   * @throws EngineFailure as {@link #open}
   */
  public static TensorFile openState(Path path) {
    TorchFile torch = read(path);
    try {
      Map<?, ?> root = entries(torch.root());
      for (String state : STATES) {
        if (entries(root.get(state)).values().stream().anyMatch(TensorRef.class::isInstance)) {
          return torch.tensors(torch.file::close, state);
        }
      }
      return torch.tensors(torch.file::close);
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  /**
   * Opens the tensors of one dictionary of a checkpoint.
   *
   * @param dictionary keys that lead to it, as {@link #tensors} takes them; none for a checkpoint
   *     that is a flat dictionary of tensors
   * @return to be closed by the caller
   * @throws EngineFailure as {@link #read} and {@link #tensors}
   */
  public static TensorFile open(Path path, String... dictionary) {
    TorchFile torch = read(path);
    try {
      return torch.tensors(torch.file::close, dictionary);
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  private static Contents contents(MappedFile file) {
    if (file.size() == 0) {
      throw Refusal.broken(file.path(), "it is empty");
    }
    byte[] head = new byte[(int) Math.min(file.size(), TAR_MAGIC + 5)];
    file.window(0, head.length).get(head);
    String text = new String(head, ISO_8859_1);
    if (text.startsWith("PK")) {
      return TorchZip.read(file);
    }
    if (text.startsWith("ustar", TAR_MAGIC)) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "%s has the tar format of PyTorch before 0.1.10: save it anew".formatted(file.path()));
    }
    if (text.startsWith("{", Long.BYTES)) {
      throw Refusal.broken(file.path(), "it looks like a safetensors file");
    }
    if (head[0] != (byte) 0x80) { // the first byte of every pickle since protocol 2
      String start = text.substring(0, Math.min(text.length(), 16));
      throw Refusal.broken(file.path(), "it begins with " + Quoted.of(start));
    }
    return TorchLegacy.read(file);
  }

  /** The file. */
  public Path path() {
    return file.path();
  }

  /**
   * The object that was saved: {@code Map} (whose keys are {@code String}, or {@link Opaque} where
   * they are no text), {@code List} (also for tuples and sets), {@code String}, {@code Long}
   * ({@code BigInteger} beyond 64 bits), {@code Double}, {@code Boolean}, null, {@code byte[]},
   * {@link TensorRef} and {@link Opaque}. A class that is only named, or a storage outside of a
   * tensor, is some other object of no use. Lists and maps are nested at most 256 deep, without
   * cycles; not to be changed.
   */
  public Object root() {
    return contents.root();
  }

  /**
   * The tensors of one dictionary in the tree, under their keys; what is no tensor is left out.
   *
   * @param path keys (or attributes) that lead to the dictionary from the root; none for the root
   * @return to be used until this file is closed; closing it does nothing
   * @throws EngineFailure CHECKPOINT_MISMATCH when nothing is there or it has no tensors
   */
  public TensorFile tensors(String... path) {
    return tensors(() -> {}, path);
  }

  private TensorFile tensors(Runnable onClose, String... path) {
    Map<?, ?> dictionary = dictionary(contents.root(), List.of());
    for (int i = 0; i < path.length; i++) {
      if (!dictionary.containsKey(path[i])) {
        throw mismatch(
            Arrays.asList(path).subList(0, i + 1), "is not there; found " + keys(dictionary));
      }
      dictionary = dictionary(dictionary.get(path[i]), Arrays.asList(path).subList(0, i + 1));
    }
    Map<String, TensorRef> tensors = new LinkedHashMap<>();
    dictionary.forEach(
        (key, value) -> {
          if (key instanceof String name && value instanceof TensorRef tensor) {
            tensors.put(name, tensor);
          }
        });
    if (tensors.isEmpty()) {
      throw mismatch(Arrays.asList(path), "has no tensors; found " + keys(dictionary));
    }
    return new TorchTensors(file, contents.storages(), tensors, onClose);
  }

  private Map<?, ?> dictionary(Object value, List<String> path) {
    if (value instanceof Map<?, ?> || value instanceof Opaque) {
      return entries(value);
    }
    throw mismatch(path, "is no dictionary");
  }

  /** What a dictionary, or an object, holds; nothing where it is neither. */
  private static Map<?, ?> entries(Object value) {
    if (value instanceof Opaque opaque) {
      return opaque.state();
    }
    return value instanceof Map<?, ?> map ? map : Map.of();
  }

  private EngineFailure mismatch(List<String> path, String why) {
    String where = path.isEmpty() ? "its root" : Quoted.of(String.join(".", path));
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH, "%s: %s %s".formatted(file.path(), where, why));
  }

  private static String keys(Map<?, ?> dictionary) {
    return Quoted.list(dictionary.keySet());
  }

  /** Lets go of the file. Buffers that were handed out stay valid. */
  @Override
  public void close() {
    file.close();
  }
}
