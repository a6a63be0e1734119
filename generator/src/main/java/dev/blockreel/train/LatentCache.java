package dev.blockreel.train;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The latents of a folder of clips, computed once and kept in a file, which serves as long as the
 * clips and their tokenizer stay as they were.
 *
 * @param length values of one example
 * @param latents of all examples, unscaled, (examples, length)
 * @param labels class number of each example
 */
record LatentCache(int length, float[] latents, int[] labels) {
  private static final String LATENTS = "latents";
  private static final String LABELS = "labels";

  /** Turns a clip's file into its examples, each {@code length} values. */
  @FunctionalInterface
  interface Encoder {
    List<float[]> latents(Path clip, int number);
  }

  /**
   * Encodes all clips, or reads what an earlier run kept.
   *
   * @param how what the latents depend on beside the clips: the tokenizer and its settings
   * @param file where they are kept
   */
  static LatentCache of(
      ClipFolder folder, String how, int length, Encoder encoder, Path file, PrintStream console) {
    String key = TokenCache.digest(folder, how);
    if (Files.exists(file)) {
      try (TensorFile kept = Safetensors.open(file)) {
        if (key.equals(kept.metadata().get("key"))) {
          int[] labels = Arrays.stream(kept.integers(LABELS)).mapToInt(Math::toIntExact).toArray();
          return new LatentCache(length, kept.floats(LATENTS), labels);
        }
      }
    }
    LatentCache cache = encode(folder.clips(), length, encoder, console);
    SafetensorsWriter.to(file)
        .metadata("key", key)
        .addFloats(LATENTS, ElementType.F32, new long[] {cache.count(), length}, cache.latents)
        .addInts(LABELS, new long[] {cache.count()}, cache.labels)
        .write();
    return cache;
  }

  private static LatentCache encode(
      List<ClipFolder.Item> clips, int length, Encoder encoder, PrintStream console) {
    float[] latents = new float[0];
    int[] labels = new int[0];
    int count = 0;
    try (ProgressLine progress = new ProgressLine(console)) {
      for (int i = 0; i < clips.size(); i++) {
        for (float[] example : encoder.latents(clips.get(i).file(), i)) {
          if (count == labels.length) {
            int room = Math.max(clips.size(), 2 * count);
            latents = Arrays.copyOf(latents, Math.multiplyExact(room, length));
            labels = Arrays.copyOf(labels, room);
          }
          System.arraycopy(example, 0, latents, count * length, length);
          labels[count++] = clips.get(i).label();
        }
        progress.show("latents of %d/%d clips".formatted(i + 1, clips.size()));
      }
    }
    return new LatentCache(
        length, Arrays.copyOf(latents, count * length), Arrays.copyOf(labels, count));
  }

  /** How many examples there are. */
  int count() {
    return labels.length;
  }

  int label(int example) {
    return labels[example];
  }

  float[] example(int number) {
    return Arrays.copyOfRange(latents, number * length, (number + 1) * length);
  }

  /** The spread of all values around 0. */
  double deviation() {
    double squares = 0;
    for (float value : latents) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares / latents.length);
  }
}
