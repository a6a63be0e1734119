package dev.blockreel.evaluate;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.evaluate.Network.Reading;
import dev.blockreel.grid.Clip;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What networks make of a set of clips, and the palettes of the clips' first and last frames, in
 * the order of the set; can be kept in a file and gone on with.
 */
final class Observations {
  private static final String KEY = "key";
  private static final String CLIPS = "clips";

  private final List<Network> networks;
  private final Map<String, Rows> rows = new LinkedHashMap<>();
  private final List<float[]> first = new ArrayList<>();
  private final List<float[]> last = new ArrayList<>();
  private final List<float[]> fidelities = new ArrayList<>();
  private int clips;

  /** One row a reading; {@code clip} says of which clip. */
  private static final class Rows {
    final List<Integer> clip = new ArrayList<>();
    final List<float[]> features = new ArrayList<>();
    final List<float[]> probabilities = new ArrayList<>();
  }

  Observations(List<Network> networks) {
    this.networks = networks;
    networks.forEach(network -> rows.put(network.name(), new Rows()));
  }

  /** How many clips were seen. */
  int clips() {
    return clips;
  }

  /** Looks at the next clips, which have one size. */
  void add(List<Clip> next) {
    for (Network network : networks) {
      Rows all = rows.get(network.name());
      List<Reading> readings = network.read(next);
      int each = readings.size() / next.size();
      for (int i = 0; i < readings.size(); i++) {
        all.clip.add(clips + i / each);
        Reading reading = readings.get(i);
        if (reading.features() != null) {
          all.features.add(reading.features());
        }
        if (reading.probabilities() != null) {
          all.probabilities.add(reading.probabilities());
        }
      }
    }
    for (Clip clip : next) {
      first.add(Palette.of(clip, 0));
      last.add(clip.frames() == 1 ? first.get(clips) : Palette.of(clip, clip.frames() - 1));
      clips++;
    }
  }

  /** Notes how close the last clips are to their originals. */
  void add(Fidelity fidelity) {
    fidelities.add(new float[] {(float) fidelity.psnr(), (float) fidelity.ssim()});
  }

  /** What was noted, a row a clip. */
  List<Fidelity> fidelities() {
    return fidelities.stream().map(row -> new Fidelity(row[0], row[1])).toList();
  }

  /** Whether a network gave features. */
  boolean hasFeatures(Network network) {
    return !rows.get(network.name()).features.isEmpty();
  }

  /** Features of the wanted clips, of all for null. */
  List<float[]> features(Network network, boolean[] wanted) {
    Rows all = rows.get(network.name());
    List<float[]> features = new ArrayList<>();
    for (int i = 0; i < all.features.size(); i++) {
      if (wanted == null || wanted[all.clip.get(i)]) {
        features.add(all.features.get(i));
      }
    }
    return features;
  }

  /** Whether a network gave class probabilities. */
  boolean hasProbabilities(Network network) {
    return !rows.get(network.name()).probabilities.isEmpty();
  }

  /** Class probabilities of each clip, the mean where a clip has several readings. */
  List<float[]> probabilities(Network network) {
    Rows all = rows.get(network.name());
    List<float[]> means = new ArrayList<>();
    int[] counts = new int[clips];
    for (int clip : all.clip) {
      counts[clip]++;
    }
    for (int i = 0; i < all.probabilities.size(); i++) {
      int clip = all.clip.get(i);
      float[] values = all.probabilities.get(i);
      if (means.size() == clip) {
        means.add(new float[values.length]);
      }
      for (int c = 0; c < values.length; c++) {
        means.get(clip)[c] += values[c] / counts[clip];
      }
    }
    return means;
  }

  /** Compares first and last frames of the wanted clips, of all for null. */
  Identity identity(int[] labels, boolean[] wanted) {
    List<float[]> wantedFirst = new ArrayList<>();
    List<float[]> wantedLast = new ArrayList<>();
    int[] wantedLabels = new int[clips];
    for (int i = 0; i < clips; i++) {
      if (wanted == null || wanted[i]) {
        wantedLabels[wantedFirst.size()] = labels[i];
        wantedFirst.add(first.get(i));
        wantedLast.add(last.get(i));
      }
    }
    return Identity.of(Arrays.copyOf(wantedLabels, wantedFirst.size()), wantedFirst, wantedLast);
  }

  /** Writes everything; {@code key} must be given to {@link #load} again. */
  void save(Path file, String key) {
    SafetensorsWriter writer =
        SafetensorsWriter.to(file).metadata(KEY, key).metadata(CLIPS, String.valueOf(clips));
    add(writer, "first", first);
    add(writer, "last", last);
    add(writer, "fidelities", fidelities);
    rows.forEach(
        (name, all) -> {
          writer.addInts(
              name + ".clip",
              new long[] {all.clip.size()},
              all.clip.stream().mapToInt(Integer::intValue).toArray());
          add(writer, name + ".features", all.features);
          add(writer, name + ".probabilities", all.probabilities);
        });
    writer.write();
  }

  private static void add(SafetensorsWriter writer, String name, List<float[]> vectors) {
    if (vectors.isEmpty()) {
      return;
    }
    int length = vectors.get(0).length;
    float[] values = new float[vectors.size() * length];
    for (int i = 0; i < vectors.size(); i++) {
      System.arraycopy(vectors.get(i), 0, values, i * length, length);
    }
    writer.addFloats(name, new long[] {vectors.size(), length}, values);
  }

  /** What was saved under the same key, else nothing yet. */
  static Observations load(List<Network> networks, Path file, String key) {
    Observations observations = new Observations(networks);
    if (!Files.exists(file)) {
      return observations;
    }
    try (TensorFile tensors = Safetensors.open(file)) {
      if (!key.equals(tensors.metadata().get(KEY))) {
        return observations;
      }
      observations.clips = Integer.parseInt(tensors.metadata().get(CLIPS));
      read(tensors, "first", observations.first);
      read(tensors, "last", observations.last);
      read(tensors, "fidelities", observations.fidelities);
      observations.rows.forEach(
          (name, all) -> {
            for (long clip : tensors.integers(name + ".clip")) {
              all.clip.add((int) clip);
            }
            read(tensors, name + ".features", all.features);
            read(tensors, name + ".probabilities", all.probabilities);
          });
      return observations;
    }
  }

  private static void read(TensorFile tensors, String name, List<float[]> vectors) {
    if (!tensors.names().contains(name)) {
      return;
    }
    int length = (int) tensors.info(name).shape()[1];
    float[] values = tensors.floats(name);
    for (int i = 0; i < values.length; i += length) {
      vectors.add(Arrays.copyOfRange(values, i, i + length));
    }
  }
}
