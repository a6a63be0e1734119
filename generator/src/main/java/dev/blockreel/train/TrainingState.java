package dev.blockreel.train;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TensorInfo;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * All that a training knows: weights, moments, averages and the next step. Closing it frees the
 * native memory.
 */
final class TrainingState implements AutoCloseable {
  private static final List<String> PARTS = List.of("weights", "first", "second", "ema");

  private final List<Weight> weights;
  private final WeightList list;
  private final TensorList averages;
  private int step;
  private double seconds;

  private TrainingState(List<Weight> weights, WeightList list, int step, double seconds) {
    this.weights = weights;
    this.list = list;
    int n = weights.size();
    int at = PARTS.indexOf("ema");
    this.averages = new TensorList(list.list().tensors().subList(at * n, (at + 1) * n));
    this.step = step;
    this.seconds = seconds;
  }

  /** The state before the first step, with random weights. */
  static TrainingState fresh(List<Weight> weights, long seed, Numerics numerics) {
    List<Weight> all = new ArrayList<>(weights);
    for (String part : PARTS.subList(1, PARTS.size())) {
      all.addAll(copies(weights, part));
    }
    return new TrainingState(weights, WeightList.random(all, seed, numerics), 0, 0);
  }

  /**
   * The state before the first step.
   *
   * @param initial a model, by its name or path, whose weights it has, or null for random ones
   * @param file of that model which holds them
   * @throws EngineFailure CHECKPOINT_MISMATCH when they do not fit
   */
  static TrainingState start(
      String initial, String file, List<Weight> weights, long seed, Numerics numerics) {
    if (initial == null) {
      return fresh(weights, seed, numerics);
    }
    ModelDirectory model = ModelDirectory.open(ModelDirectory.resolve(initial));
    try (TensorFile tensors = model.tensors(file)) {
      WeightList.requireFit(weights, tensors);
      return fresh(
          weights.stream().map(w -> initialised(w, tensors.floats(w.name()))).toList(),
          seed,
          numerics);
    }
  }

  private static Weight initialised(Weight weight, float[] values) {
    int[] next = {0};
    return new Weight(
        weight.name(), weight.shape(), weight.role(), random -> values[next[0]++], weight.index());
  }

  /**
   * The state that {@link #save} wrote.
   *
   * @throws EngineFailure BAD_REQUEST when the facts have changed meanwhile in what counts;
   *     CHECKPOINT_MISMATCH when the weights do not fit
   */
  static TrainingState load(
      List<Weight> weights, Path file, TrainingFacts facts, Numerics numerics) {
    List<Weight> all = new ArrayList<>();
    for (String part : PARTS) {
      all.addAll(copies(weights, part));
    }
    try (TensorFile tensors = Safetensors.open(file)) {
      String step = tensors.metadata().get("step");
      if (step == null) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            file + " is no training state: its header names no step");
      }
      facts.refuseChange(file, tensors.metadata());
      return new TrainingState(
          weights,
          WeightList.load(all, tensors, numerics),
          Integer.parseInt(step),
          Double.parseDouble(tensors.metadata().getOrDefault("seconds", "0")));
    }
  }

  private static List<Weight> copies(List<Weight> weights, String part) {
    return weights.stream()
        .map(
            w ->
                new Weight(part + "." + w.name(), w.shape(), w.role(), Init.constant(0), w.index()))
        .toList();
  }

  /** Writes everything, beside the old file first. */
  void save(Path file, TrainingFacts facts) {
    SafetensorsWriter writer =
        SafetensorsWriter.to(file)
            .metadata("step", String.valueOf(step))
            .metadata("seconds", String.valueOf(seconds));
    facts.write(writer);
    for (int part = 0; part < PARTS.size(); part++) {
      add(writer, PARTS.get(part) + ".", part, ElementType.F32);
    }
    writer.write();
  }

  /** Writes the averaged weights under their own names: the model. */
  void saveModel(Path file, ElementType type) {
    SafetensorsWriter writer = SafetensorsWriter.to(file);
    add(writer, "", PARTS.indexOf("ema"), type);
    writer.write();
  }

  private void add(SafetensorsWriter writer, String prefix, int part, ElementType type) {
    for (int i = 0; i < weights.size(); i++) {
      Weight weight = weights.get(i);
      Tensor tensor = list.list().tensors().get(part * weights.size() + i);
      writer.addFloats(
          new TensorInfo(prefix + weight.name(), type, weight.shape()), tensor::toFloats);
    }
  }

  /** The list that the {@code train} method takes. */
  TensorList list() {
    return list.list();
  }

  /** The averaged weights, for previews; shares their memory and is closed with this. */
  TensorList averages() {
    return averages;
  }

  int step() {
    return step;
  }

  /** Time that all steps so far took, over all runs. */
  double seconds() {
    return seconds;
  }

  /** A step is over, which took this long. */
  void advance(double spent) {
    step++;
    seconds += spent;
  }

  @Override
  public void close() {
    averages.close();
    list.close();
  }
}
