package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.tokenizer.kl.Kl;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.util.List;

/**
 * The training of a {@link Kl}: each frame is an image, latents are drawn from their distributions,
 * and those are drawn towards the standard normal one.
 */
final class KlTraining implements TrainedTokenizer {
  private final KlRecipe recipe;
  private final Kl network;

  KlTraining(KlRecipe recipe) {
    this.recipe = recipe;
    this.network = new Kl(recipe.tokenizer());
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  /** Without the scale, which the training of a generator settles. */
  @Override
  public Record sizes() {
    return recipe.tokenizer().withScale(1);
  }

  @Override
  public Record sizes(ModelDirectory model) {
    return KlTokenizer.describe(model).network().withScale(1);
  }

  @Override
  public List<Penalty> penalties() {
    return List.of(new Penalty("divergence", recipe.divergence()));
  }

  @Override
  public int[] noise(int frames, int height, int width) {
    int factor = recipe.tokenizer().factor();
    return new int[] {recipe.tokenizer().channels(), frames, height / factor, width / factor};
  }

  @Override
  public void write(ScriptWriter script, Numerics numerics) {
    script.method(
        "reconstruct",
        m -> {
          Sym pixels = m.tensor("pixels");
          Sym noise = m.tensor("noise");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym encoded = network.encode(forward, images(pixels));
          // Without a gradient of the divergence, too, the encoder stays as it is.
          Sym moments = recipe.decoderOnly() ? encoded.detach() : encoded;
          Sym made = network.decode(forward, network.sample(moments, images(noise)));
          // (B·T, 3, H, W) → (B, 3, T, H, W)
          Sym clips =
              made.view(pixels.size(0), pixels.size(2), 3, pixels.size(3), pixels.size(4))
                  .transpose(1, 2);
          m.returnsAll(clips, network.divergence(moments));
        });
  }

  /** (B, C, T, H, W) → (B·T, C, H, W) */
  private static Sym images(Sym clips) {
    return clips.transpose(1, 2).reshape(-1, clips.size(1), clips.size(3), clips.size(4));
  }

  @Override
  public ObjectNode describe() {
    TokenizerRecipe.ClipShape clips = recipe.clips();
    return KlTokenizer.describe(
        recipe.tokenizer(), clips.frames(), clips.height(), clips.width(), clips.fps());
  }
}
