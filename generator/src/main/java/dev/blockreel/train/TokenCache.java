package dev.blockreel.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The tokens of all clips of a folder, computed once and kept in a file, which serves as long as
 * the clips and their tokenizer stay as they were.
 *
 * @param length tokens of one example
 * @param tokens codes of all examples, (examples, length)
 * @param labels class number of each example
 */
record TokenCache(int length, int[] tokens, int[] labels) {
  private static final String TOKENS = "tokens";
  private static final String LABELS = "labels";

  /** Turns a clip's file into its examples, each {@code length} codes. */
  @FunctionalInterface
  interface Encoder {
    List<int[]> codes(Path clip);
  }

  /**
   * Encodes all clips, or reads what an earlier run kept.
   *
   * @param how what the codes depend on beside the clips: the tokenizer and its settings
   * @param file where they are kept
   */
  static TokenCache of(
      ClipFolder folder, String how, int length, Encoder encoder, Path file, PrintStream console) {
    String key = digest(folder, how);
    if (Files.exists(file)) {
      try (TensorFile kept = Safetensors.open(file)) {
        if (key.equals(kept.metadata().get("key"))) {
          return new TokenCache(length, integers(kept, TOKENS), integers(kept, LABELS));
        }
      }
    }
    TokenCache cache = encode(folder.clips(), length, encoder, console);
    SafetensorsWriter.to(file)
        .metadata("key", key)
        .addInts(TOKENS, new long[] {cache.count(), length}, cache.tokens)
        .addInts(LABELS, new long[] {cache.count()}, cache.labels)
        .write();
    return cache;
  }

  private static int[] integers(TensorFile file, String tensor) {
    return Arrays.stream(file.integers(tensor)).mapToInt(Math::toIntExact).toArray();
  }

  /** Changes with every clip that comes, goes, or is written anew. */
  static String digest(ClipFolder folder, String how) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(how.getBytes(UTF_8));
      for (ClipFolder.Item clip : folder.clips()) {
        String facts =
            "\n%s\t%d\t%d\t%s"
                .formatted(
                    folder.root().relativize(clip.file()),
                    clip.label(),
                    Files.size(clip.file()),
                    Files.getLastModifiedTime(clip.file()));
        digest.update(facts.getBytes(UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          "cannot read the clips of " + folder.root() + ": " + e.getMessage(),
          e);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private static TokenCache encode(
      List<ClipFolder.Item> clips, int length, Encoder encoder, PrintStream console) {
    int[] tokens = new int[0];
    int[] labels = new int[0];
    int count = 0;
    try (ProgressLine progress = new ProgressLine(console)) {
      for (int i = 0; i < clips.size(); i++) {
        for (int[] codes : encoder.codes(clips.get(i).file())) {
          if (count == labels.length) {
            int room = Math.max(clips.size(), 2 * count);
            tokens = Arrays.copyOf(tokens, Math.multiplyExact(room, length));
            labels = Arrays.copyOf(labels, room);
          }
          System.arraycopy(codes, 0, tokens, count * length, length);
          labels[count++] = clips.get(i).label();
        }
        progress.show("tokens of %d/%d clips".formatted(i + 1, clips.size()));
      }
    }
    return new TokenCache(
        length, Arrays.copyOf(tokens, count * length), Arrays.copyOf(labels, count));
  }

  /** How many examples there are. */
  int count() {
    return labels.length;
  }

  int label(int example) {
    return labels[example];
  }

  int[] codes(int example) {
    return Arrays.copyOfRange(tokens, example * length, (example + 1) * length);
  }
}
