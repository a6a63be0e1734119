package dev.blockreel.tokenizer.kl;

import dev.blockreel.nn.Conv2d;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Sym;
import dev.blockreel.tokenizer.image.ImageNetwork;
import java.util.List;

/**
 * The autoencoder that latent generators work on (arXiv 2112.10752; this one is MAR's, arXiv
 * 2406.11838): an image becomes a normal distribution for each latent, and a sample of it becomes
 * the image again.
 *
 * <p>Letters: B batch, C channels of the latents, H, W pixels, h, w rows and columns of the
 * latents. Weights carry the names of the published checkpoint.
 */
public final class Kl {
  private final KlConfig config;
  private final WeightScope scope = WeightScope.root("");
  private final ImageNetwork network;
  private final Conv2d quantConv;
  private final Conv2d postQuantConv;

  /** Builds the layers, and with them the list of weights. */
  public Kl(KlConfig config) {
    this.config = config;
    int c = config.channels();
    network = new ImageNetwork(scope, config.network(), 2 * c, c);
    quantConv = new Conv2d(scope.child("quant_conv"), 2 * c, 2 * c, 1, 1);
    postQuantConv = new Conv2d(scope.child("post_quant_conv"), c, c, 1, 1);
  }

  public KlConfig config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /** Pixels (B,3,H,W) in [0,1] → fp32 moments (B,2C,h,w): means, then logarithms of variances. */
  public Sym encode(Forward forward, Sym pixels) {
    Sym centred = pixels.mul(2).sub(1);
    Sym moments = forward.leave(quantConv.apply(forward, network.encode(forward, centred)));
    int c = config.channels();
    return forward
        .method()
        .concat(1, moments.slice(1, 0, c), moments.slice(1, c, 2 * c).clamp(-30, 20));
  }

  /** A draw from moments (B,2C,h,w) by standard normal noise (B,C,h,w); unscaled latents. */
  public Sym sample(Sym moments, Sym noise) {
    int c = config.channels();
    Sym deviation = moments.slice(1, c, 2 * c).mul(0.5).exp();
    return moments.slice(1, 0, c).add(deviation.mul(noise));
  }

  /** Mean divergence of one latent's distribution from the standard normal one, in nats. */
  public Sym divergence(Sym moments) {
    int c = config.channels();
    Sym mean = moments.slice(1, 0, c);
    Sym logVariance = moments.slice(1, c, 2 * c);
    return mean.square().add(logVariance.exp()).sub(logVariance).sub(1).mul(0.5).mean();
  }

  /** Unscaled latents (B,C,h,w) → fp32 pixels (B,3,H,W), about [0,1]. */
  public Sym decode(Forward forward, Sym latents) {
    Sym features = postQuantConv.apply(forward, forward.enter(latents));
    return forward.leave(network.decode(forward, features)).add(1).mul(0.5);
  }
}
