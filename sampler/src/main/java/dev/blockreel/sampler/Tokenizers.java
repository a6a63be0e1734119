package dev.blockreel.sampler;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.Preset;
import dev.blockreel.nn.Numerics;
import dev.blockreel.tokenizer.ClipTokenizer;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import dev.blockreel.tokenizer.vq.VqTokenizer;

/** The tokenizer of a model, whatever its kind; the {@link Pipeline} has one of its own. */
public final class Tokenizers {
  private Tokenizers() {}

  /**
   * Loads the tokenizer of a model.
   *
   * @return to be closed by the caller
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit; UNSUPPORTED for a kind that is not known here
   */
  public static ClipTokenizer load(ModelDirectory model, Numerics numerics) {
    String kind = model.description().path("tokenizer").path("kind").asText(Magvit2Tokenizer.KIND);
    return switch (kind) {
      case Magvit2Tokenizer.KIND -> Magvit2Tokenizer.load(model, numerics);
      case KlTokenizer.KIND -> KlTokenizer.load(model, numerics);
      case VqTokenizer.KIND -> VqTokenizer.load(model, numerics);
      default ->
          throw new EngineFailure(
              FailureCode.UNSUPPORTED,
              "%s/model.json: a tokenizer of the kind \"%s\" is not known here"
                  .formatted(model.path(), kind));
    };
  }

  /**
   * The tokenizer of a published model, with random weights.
   *
   * @param preset as in {@link Pipeline#standIn}
   * @return to be closed by the caller
   * @throws EngineFailure BAD_REQUEST when there is no such model
   */
  public static ClipTokenizer standIn(String preset, long seed, Numerics numerics) {
    Record sizes = Preset.named(preset).tokenizer();
    if (sizes instanceof KlTokenizer.Description kl) {
      return KlTokenizer.standIn(kl, seed, numerics);
    }
    return sizes instanceof VqTokenizer.Description vq
        ? VqTokenizer.standIn(vq, seed, numerics)
        : Magvit2Tokenizer.standIn((Magvit2Tokenizer.Description) sizes, seed, numerics);
  }
}
