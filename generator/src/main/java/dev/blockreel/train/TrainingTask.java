package dev.blockreel.train;

import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a {@link TrainingLoop} trains.
 *
 * @param <B> one batch as plain Java data, made on the loader's thread
 */
interface TrainingTask<B> {
  /** All that the training is told, as a record that Jackson can write. */
  Object recipe();

  /** Names of the classes that are learned, in the order of their numbers; none if none are. */
  default List<String> classes() {
    return List.of();
  }

  /** The weights to learn. */
  List<Weight> weights();

  /** The state before the first step. */
  default TrainingState start(long seed, Numerics numerics) {
    return TrainingState.fresh(weights(), seed, numerics);
  }

  /** Names of the tensors of a batch, the first arguments of {@code loss}. */
  List<String> inputs();

  /** Names of what {@code loss} returns, the loss itself first. */
  List<String> measures();

  /** Writes {@code loss(inputs…, weights)} and what {@link #preview} calls. */
  void write(ScriptWriter script);

  /** Makes a batch; the same random source, the same batch. Called by one other thread. */
  B batch(SplittableRandom random);

  /** Puts a batch on the device, in the order of {@link #inputs}. */
  List<Tensor> upload(TensorScope scope, B batch);

  /**
   * Draws a sample picture from the averaged weights, which have just been exported.
   *
   * @return one line about it for the log, or an empty one
   */
  String preview(Script script, TrainingState state, Path picture);

  /** Writes the model as it stands now into a directory, replacing an earlier one. */
  void export(TrainingState state, Path model);
}
