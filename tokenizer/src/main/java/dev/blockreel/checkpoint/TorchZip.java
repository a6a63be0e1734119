package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The zip format of {@code torch.save}: {@code NAME/data.pkl} is the pickle, {@code NAME/data/KEY}
 * the bytes of each storage.
 */
final class TorchZip {
  /** Bound of a pickle: without tensors' bytes, real ones stay below a few megabytes. */
  static final int LARGEST_PICKLE = 64 << 20;

  private static final String PICKLE = "/data.pkl";

  private TorchZip() {}

  static TorchFile.Contents read(MappedFile file) {
    Map<String, ZipIndex.Entry> entries = ZipIndex.read(file);
    String folder = folder(file, entries);
    checkByteOrder(file, entry(file, entries, folder + "/byteorder"));
    Storages storages = new Storages(file.path());
    ZipIndex.Entry pickle = entry(file, entries, folder + PICKLE);
    if (pickle.size() > LARGEST_PICKLE) {
      throw Refusal.unsafe(
          file.path(), "its pickle has %d bytes, more than any model's".formatted(pickle.size()));
    }
    ByteBuffer bytes = file.window(pickle.position(), (int) pickle.size());
    Object root = new Unpickler(file.path(), bytes, storages::mention).load();
    Map<String, Long> positions = new LinkedHashMap<>();
    for (StorageRef storage : storages.all().values()) {
      ZipIndex.Entry entry = entry(file, entries, folder + "/data/" + storage.key());
      if (entry == null) {
        throw Refusal.broken(
            file.path(), "its storage %s is missing".formatted(Quoted.of(storage.key())));
      }
      if (Storages.bytes(storage) > entry.size()) {
        throw Refusal.broken(
            file.path(),
            "its storage %s should have %d bytes, it has %d"
                .formatted(Quoted.of(storage.key()), Storages.bytes(storage), entry.size()));
      }
      positions.put(storage.key(), entry.position());
    }
    return new TorchFile.Contents(root, positions);
  }

  private static String folder(MappedFile file, Map<String, ZipIndex.Entry> entries) {
    List<String> pickles =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') + 9 == name.length())
            .toList();
    if (pickles.size() != 1) {
      throw Refusal.broken(
          file.path(),
          "expected one NAME/data.pkl in the zip file, it has %d; found %s"
              .formatted(pickles.size(), Quoted.list(entries.keySet())));
    }
    String folder = pickles.get(0).substring(0, pickles.get(0).length() - PICKLE.length());
    if (entries.containsKey(folder + "/constants.pkl")) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "%s is a TorchScript program, not a checkpoint: save its state_dict"
              .formatted(file.path()));
    }
    return folder;
  }

  private static ZipIndex.Entry entry(
      MappedFile file, Map<String, ZipIndex.Entry> entries, String name) {
    ZipIndex.Entry entry = entries.get(name);
    if (entry != null && !entry.plain()) {
      throw Refusal.broken(
          file.path(),
          "its entry %s is compressed or encrypted, PyTorch stores entries as they are"
              .formatted(Quoted.of(name)));
    }
    return entry;
  }

  private static void checkByteOrder(MappedFile file, ZipIndex.Entry entry) {
    if (entry == null) {
      return; // before PyTorch 2.1, which writes it
    }
    byte[] text = new byte[(int) Math.min(entry.size(), 16)];
    file.window(entry.position(), text.length).get(text);
    String order = new String(text, US_ASCII);
    if (!order.equals("little")) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "%s has byte order %s, expected little".formatted(file.path(), Quoted.of(order)));
    }
  }
}
