package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The format of {@code torch.save} before PyTorch 1.6: five pickles one after the other (a magic
 * number, the protocol version, facts about the writer's machine, the object, the keys of its
 * storages), then for each key an 8-byte number of elements and the storage's bytes.
 */
final class TorchLegacy {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long PROTOCOL = 1001;

  private final MappedFile file;
  private final Storages storages;
  private long position;

  private TorchLegacy(MappedFile file) {
    this.file = file;
    this.storages = new Storages(file.path());
  }

  static TorchFile.Contents read(MappedFile file) {
    return new TorchLegacy(file).read();
  }

  private TorchFile.Contents read() {
    if (!MAGIC.equals(unpickle())) {
      throw Refusal.broken(file.path(), "it is a pickle of something else");
    }
    Object protocol = unpickle();
    if (!Long.valueOf(PROTOCOL).equals(protocol)) {
      throw Refusal.broken(file.path(), "its protocol is not " + PROTOCOL);
    }
    if (unpickle() instanceof Map<?, ?> machine
        && Boolean.FALSE.equals(machine.get("little_endian"))) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "%s was written on a big-endian machine, expected little-endian".formatted(file.path()));
    }
    Object root = unpickle();
    if (!(unpickle() instanceof List<?> keys)) {
      throw Refusal.broken(file.path(), "its storage keys are no list");
    }
    Map<String, Long> positions = new LinkedHashMap<>();
    for (Object key : keys) {
      if (!(key instanceof String || key instanceof Number)) {
        throw Refusal.broken(file.path(), "its storage keys are no names");
      }
      place(String.valueOf(key), positions);
    }
    for (String key : storages.all().keySet()) {
      if (!positions.containsKey(key)) {
        throw Refusal.broken(file.path(), "its storage %s is missing".formatted(Quoted.of(key)));
      }
    }
    return new TorchFile.Contents(root, positions);
  }

  private Object unpickle() {
    int length = (int) Math.min(file.size() - position, TorchZip.LARGEST_PICKLE);
    ByteBuffer in = file.window(position, length);
    Object value = new Unpickler(file.path(), in, this::persistent).load();
    position += in.position();
    return value;
  }

  private Object persistent(List<?> id) {
    if (id.size() >= 2 && "module".equals(id.get(0))) {
      return id.get(1); // a class together with its source text, which is not looked at
    }
    StorageRef root = storages.mention(id);
    if (id.size() < 6 || id.get(5) == null) {
      return root;
    }
    // Before 0.4 a storage could be a view of another: (key, offset, length).
    if (id.get(5) instanceof List<?> view
        && view.size() == 3
        && view.get(1) instanceof Long offset
        && view.get(2) instanceof Long elements
        && offset >= 0
        && elements >= 0
        && offset <= root.elements() - elements) {
      return new StorageRef(root.key(), root.type(), elements, offset);
    }
    throw Refusal.unsafe(
        file.path(), "a view does not fit its storage %s".formatted(Quoted.of(root.key())));
  }

  private void place(String key, Map<String, Long> positions) {
    StorageRef storage = storages.all().get(key);
    if (storage == null || positions.containsKey(key)) {
      throw Refusal.broken(
          file.path(), "its list of storages and its pickle differ at " + Quoted.of(key));
    }
    if (storage.type() == null) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "%s has a storage of a type that is not read".formatted(file.path()));
    }
    if (file.size() - position < Long.BYTES) {
      throw cutOff(key);
    }
    long elements = file.window(position, Long.BYTES).getLong();
    if (elements != storage.elements()) {
      throw Refusal.broken(
          file.path(),
          "its storage %s has %d elements, its pickle says %d"
              .formatted(Quoted.of(key), elements, storage.elements()));
    }
    position += Long.BYTES;
    if (Storages.bytes(storage) > file.size() - position) {
      throw cutOff(key);
    }
    positions.put(key, position);
    position += Storages.bytes(storage);
  }

  private EngineFailure cutOff(String key) {
    return Refusal.broken(
        file.path(),
        "it is cut off at byte %d, within storage %s".formatted(file.size(), Quoted.of(key)));
  }
}
