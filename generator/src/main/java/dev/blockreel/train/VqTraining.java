package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.tokenizer.vq.Vq;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.util.List;

/**
 * The training of a {@link Vq}: each frame is an image, and gradients pass the codes straight
 * through.
 */
final class VqTraining implements TrainedTokenizer {
  private final VqRecipe recipe;
  private final Vq network;

  VqTraining(VqRecipe recipe) {
    this.recipe = recipe;
    this.network = new Vq(recipe.tokenizer());
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  @Override
  public Record sizes() {
    return recipe.tokenizer();
  }

  @Override
  public Record sizes(ModelDirectory model) {
    return VqTokenizer.describe(model).network();
  }

  /** The share of codes in use is no loss, but the log shows it: a codebook may fall asleep. */
  @Override
  public List<Penalty> penalties() {
    return List.of(new Penalty("quantisation", recipe.quantisation()), new Penalty("used", 0));
  }

  @Override
  public void write(ScriptWriter script, Numerics numerics) {
    network.writeQuantizer(script, numerics);
    network.writeLearning(script, numerics);
    script.method(
        "reconstruct",
        m -> {
          Sym pixels = m.tensor("pixels");
          m.tensor("noise");
          Sym w = m.tensors("w");
          Forward forward = new Forward(m, w, numerics);
          // (B, 3, T, H, W) → (B·T, 3, H, W)
          Sym images = pixels.transpose(1, 2).reshape(-1, 3, pixels.size(3), pixels.size(4));
          Sym learned = m.call("learn", network.encode(forward, images), w);
          Sym features = kept(learned.item(0));
          Sym made = network.decode(forward, features);
          Sym clips =
              made.view(pixels.size(0), pixels.size(2), 3, pixels.size(3), pixels.size(4))
                  .transpose(1, 2);
          m.returnsAll(clips, kept(learned.item(1)), learned.item(2));
        });
  }

  /** What gives the encoder and the codebook no gradient where they shall stay as they are. */
  private Sym kept(Sym learned) {
    return recipe.decoderOnly() ? learned.detach() : learned;
  }

  @Override
  public ObjectNode describe() {
    return VqTokenizer.describe(recipe.tokenizer());
  }
}
