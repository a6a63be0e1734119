package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.tokenizer.magvit2.Magvit2;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.util.List;

/** The training of a {@link Magvit2}: rounding passes gradients straight through. */
final class Magvit2Training implements TrainedTokenizer {
  private final TokenizerRecipe recipe;
  private final Magvit2 network;

  Magvit2Training(TokenizerRecipe recipe) {
    this.recipe = recipe;
    this.network = new Magvit2(recipe.tokenizer());
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
    return Magvit2Tokenizer.describe(model).network();
  }

  @Override
  public void write(ScriptWriter script, Numerics numerics) {
    script.method(
        "reconstruct",
        m -> {
          Sym pixels = m.tensor("pixels");
          m.tensor("noise");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym latents = network.encode(forward, pixels);
          // Codes have no gradient, so looking them up keeps the encoder as it is.
          Sym values =
              recipe.decoderOnly()
                  ? network.lookup(forward, network.quantize(forward, latents).detach())
                  : network.straightThrough(forward, latents);
          m.returnsAll(network.decode(forward, values));
        });
  }

  @Override
  public ObjectNode describe() {
    TokenizerRecipe.ClipShape clips = recipe.clips();
    return Magvit2Tokenizer.describe(
        recipe.tokenizer(), clips.frames(), clips.height(), clips.width(), clips.fps());
  }
}
