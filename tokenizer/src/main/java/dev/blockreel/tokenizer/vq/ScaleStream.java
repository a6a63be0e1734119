package dev.blockreel.tokenizer.vq;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.List;

/**
 * A batch of images that becomes finer scale by scale. Each token map adds to the feature map;
 * after each of them there is a whole image, and a hint for the generator of the next one. Holds
 * native memory until closed.
 */
public final class ScaleStream implements AutoCloseable {
  private final VqTokenizer tokenizer;
  private final TensorScope scope = TensorScope.open();
  private Tensor features;
  private int scale;

  ScaleStream(VqTokenizer tokenizer, int images) {
    VqConfig network = tokenizer.description().network();
    this.tokenizer = tokenizer;
    this.features = scope.zeros(images, network.channels(), network.side(), network.side());
  }

  /**
   * Adds the token map of the next scale of every image.
   *
   * @param ids (B, s·s), int64, not checked against the codebook
   * @throws EngineFailure BAD_REQUEST when all scales are there already
   */
  public void push(Tensor ids) {
    int scales = tokenizer.description().network().scales().size();
    if (scale == scales) {
      throw EngineFailure.badRequest("all %d scales of these images are there", scales);
    }
    Tensor sum = tokenizer.call(scope, "add", features, ids, scale);
    features.close();
    features = sum;
    scale++;
  }

  /** What the generator of the next scale may know: (B, s·s, C), fp32, in {@code owner}. */
  public Tensor hint(TensorScope owner) {
    return tokenizer.call(owner, "hint", features, scale);
  }

  /** The images as they look now. */
  public List<Clip> images() {
    try (TensorScope step = TensorScope.open()) {
      return tokenizer.images(step, features);
    }
  }

  /** The feature map so far, (B, C, h, w). */
  float[] features() {
    return features.toFloats();
  }

  @Override
  public void close() {
    scope.close();
  }
}
