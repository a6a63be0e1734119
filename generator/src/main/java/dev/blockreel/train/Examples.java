package dev.blockreel.train;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.media.ClipReader;
import dev.blockreel.progress.ProgressLine;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntFunction;

/**
 * What a generator learns from: the clips of a folder as its tokenizer writes them, computed once
 * and kept in a file, which serves as long as the clips and their tokenizer stay as they were.
 *
 * @param <E> {@code int[]} for tokens, {@code float[]} for latents
 * @param kind which of the two
 * @param length values of one example
 * @param values those of all examples, (examples, length)
 * @param labels class number of each example
 */
record Examples<E>(Kind<E> kind, int length, E values, int[] labels) {
  static final Kind<int[]> TOKENS =
      new Kind<>("tokens", int[]::new, Examples::integers, SafetensorsWriter::addInts);
  static final Kind<float[]> LATENTS =
      new Kind<>("latents", float[]::new, TensorFile::floats, SafetensorsWriter::addFloats);
  private static final String LABELS = "labels";

  /** Arrays of one type, and how a file holds them. */
  record Kind<E>(
      String name, IntFunction<E> make, BiFunction<TensorFile, String, E> read, Add<E> add) {}

  private interface Add<E> {
    SafetensorsWriter to(SafetensorsWriter writer, String name, long[] shape, E values);
  }

  /** Turns a clip's file, and its number among all, into examples. */
  @FunctionalInterface
  interface Encoder<E> {
    List<E> examples(Path clip, int number);

    /** Fails for a clip that gives none, without decoding it. */
    default void requireUsable(Path clip) {
      ClipReader.probe(clip);
    }
  }

  /**
   * Encodes all clips, or reads what an earlier run kept.
   *
   * @param how what the examples depend on beside the clips: the tokenizer and its settings
   * @param length values of each
   * @param out folder where they are kept
   */
  static <E> Examples<E> of(
      Kind<E> kind,
      ClipFolder folder,
      String how,
      int length,
      Encoder<E> encoder,
      Path out,
      PrintStream console) {
    String key = folder.digest(how);
    Path file = out.resolve(kind.name + ".safetensors");
    if (Files.exists(file)) {
      try (TensorFile kept = Safetensors.open(file)) {
        if (key.equals(kept.metadata().get("key"))) {
          return new Examples<>(
              kind, length, kind.read.apply(kept, kind.name), integers(kept, LABELS));
        }
      }
    }
    folder.requireUsable(encoder::requireUsable, console);
    Examples<E> made = encode(kind, folder.clips(), length, encoder, console);
    SafetensorsWriter writer = SafetensorsWriter.to(file).metadata("key", key);
    kind.add.to(writer, kind.name, new long[] {made.count(), length}, made.values);
    writer.addInts(LABELS, new long[] {made.count()}, made.labels).write();
    return made;
  }

  private static int[] integers(TensorFile file, String tensor) {
    return Arrays.stream(file.integers(tensor)).mapToInt(Math::toIntExact).toArray();
  }

  private static <E> Examples<E> encode(
      Kind<E> kind,
      List<ClipFolder.Item> clips,
      int length,
      Encoder<E> encoder,
      PrintStream console) {
    List<E> examples = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    try (ProgressLine progress = ProgressLine.onOutput(console)) {
      for (int i = 0; i < clips.size(); i++) {
        for (E example : encoder.examples(clips.get(i).file(), i)) {
          examples.add(example);
          labels.add(clips.get(i).label());
        }
        progress.show("%s of %d/%d clips", kind.name, i + 1, clips.size());
      }
    }
    E values = kind.make.apply(Math.multiplyExact(examples.size(), length));
    for (int i = 0; i < examples.size(); i++) {
      System.arraycopy(examples.get(i), 0, values, i * length, length);
    }
    return new Examples<>(
        kind, length, values, labels.stream().mapToInt(Integer::intValue).toArray());
  }

  /** How many there are. */
  int count() {
    return labels.length;
  }

  int label(int example) {
    return labels[example];
  }

  /** A copy of one. */
  E get(int example) {
    E one = kind.make.apply(length);
    System.arraycopy(values, example * length, one, 0, length);
    return one;
  }
}
