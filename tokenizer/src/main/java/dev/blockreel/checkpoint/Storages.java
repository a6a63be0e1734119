package dev.blockreel.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The storages that a pickle mentions, each through a persistent id: a tuple of "storage", its
 * class, its key, the device it was on (of no interest here) and its length.
 */
final class Storages {
  private final Path file;
  private final Map<String, StorageRef> byKey = new LinkedHashMap<>();

  Storages(Path file) {
    this.file = file;
  }

  /** The storage that a persistent id of five or six parts names. */
  StorageRef mention(List<?> id) {
    if (id.size() < 5
        || !"storage".equals(id.get(0))
        || !(id.get(1) instanceof Global storageClass)
        || !(id.get(2) instanceof String || id.get(2) instanceof Long)
        || !(id.get(4) instanceof Long elements)
        || elements < 0) {
      throw Refusal.broken(file, "a persistent id of its pickle is no storage");
    }
    ElementType type = Construction.storageType(storageClass);
    if (type != null && elements > Long.MAX_VALUE / type.bytes()) {
      throw Refusal.unsafe(
          file, "its storage %s has %d elements".formatted(Quoted.of(id.get(2) + ""), elements));
    }
    StorageRef storage = new StorageRef(String.valueOf(id.get(2)), type, elements, 0);
    StorageRef known = byKey.putIfAbsent(storage.key(), storage);
    if (known != null && bytes(known) < bytes(storage)) {
      byKey.put(storage.key(), storage); // the same bytes under another type
    }
    return storage;
  }

  /** All of them by key, each as its longest mention. */
  Map<String, StorageRef> all() {
    return byKey;
  }

  /** Declared length in bytes; 0 for a type that is not read. */
  static long bytes(StorageRef storage) {
    return storage.type() == null ? 0 : storage.elements() * storage.type().bytes();
  }
}
