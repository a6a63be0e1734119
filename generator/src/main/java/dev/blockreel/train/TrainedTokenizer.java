package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.ScriptWriter;
import java.util.List;

/** What differs between the tokenizers that {@link TokenizerTraining} trains. */
interface TrainedTokenizer {
  /**
   * A part of the loss that does not compare pixels.
   *
   * @param name what the log calls it
   * @param weight what it is multiplied with
   */
  record Penalty(String name, double weight) {}

  /** The weights to learn. */
  List<Weight> weights();

  /** Sizes of the network that decide what weights mean. */
  Record sizes();

  /**
   * Those of a trained one.
   *
   * @throws EngineFailure BAD_REQUEST when the model has a tokenizer of another kind
   */
  Record sizes(ModelDirectory model);

  /** Parts of the loss that {@code reconstruct} returns after the pixels, in order. */
  default List<Penalty> penalties() {
    return List.of();
  }

  /** Sizes (C,t,h,w) of the normal noise that a clip takes; zeros where none is drawn. */
  default int[] noise(int frames, int height, int width) {
    return new int[] {0, 0, 0, 0};
  }

  /**
   * Writes {@code reconstruct(pixels (B,3,T,H,W), noise (B,C,t,h,w), w)}, which returns the pixels
   * that come back and the {@link #penalties}, one number each.
   */
  void write(ScriptWriter script, Numerics numerics);

  /** A {@code model.json} that holds only this tokenizer. */
  ObjectNode describe();
}
