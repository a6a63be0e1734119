package dev.blockreel.tokenizer.magvit2;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A published tokenizer file, opened to become part of a model directory: a PyTorch file ({@link
 * TorchFile#openState}) or safetensors. All sizes follow from the tensors, but for two: the FSQ
 * levels are not stored, and neither is the number of GroupNorm groups, which is always 32.
 */
public final class Magvit2Import {
  private static final String FIRST = "encoder_layers.0.conv.weight";
  private static final int GROUPS = 32;

  private Magvit2Import() {}

  /**
   * Opens a file and checks that it is a whole tokenizer.
   *
   * @param levels values of each FSQ dimension, or an empty list for the published ones
   * @return to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when it is no such file, or tensors are missing,
   *     unexpected or of a shape that fits no tokenizer; UNSAFE_CHECKPOINT when it is built to
   *     harm; BAD_REQUEST when {@code levels} are needed or do not fit; MEDIA when it cannot be
   *     read
   */
  public static PublishedNetwork<Magvit2Config> open(Path path, List<Integer> levels) {
    Magvit2Config.requireCodebook(levels);
    TensorFile file = tensors(path).unwrapped();
    try {
      Magvit2 network = new Magvit2(new Sizes(file, file.prefixes()).config(levels));
      return new PublishedNetwork<>(network.config(), network.weights(), file);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static TensorFile tensors(Path path) {
    if (Safetensors.looksLike(path)) {
      return Safetensors.open(path);
    }
    return TorchFile.openState(path);
  }

  /** Reads the two layer lists from the names and shapes of their tensors. */
  private record Sizes(TensorFile file, Predicate<String> prefixes) {
    Magvit2Config config(List<Integer> levels) {
      if (!file.names().contains(FIRST)) {
        throw file.mismatch("holds no tokenizer: it has no tensor %s", FIRST);
      }
      int channels = file.size(FIRST, 1, 5);
      int patch = (int) Math.round(Math.sqrt(channels / 3.0));
      if (3 * patch * patch != channels) {
        throw file.mismatch(
            "has a tokenizer of %d input channels: expected 3 times a square", channels);
      }
      List<Stage> stages = new ArrayList<>();
      int end = encoder(stages);
      // A norm and a swish stand between the last unit and the convolution to the latents.
      int latents = file.size("encoder_layers.%s.weight".formatted(end + 2), 0, 5);
      List<Integer> known = levels(levels, latents);
      return PublishedNetwork.sizes(
          file, () -> new Magvit2Config(patch, withStrides(stages), known, GROUPS));
    }

    /**
     * Adds the stages; a stride of 2 stands for a step down of a kind not known yet.
     *
     * @return the layer after the last unit
     */
    private int encoder(List<Stage> stages) {
      int width = file.size(FIRST, 0, 5);
      int units = 0;
      int layer = 1;
      for (; ; layer++) {
        String name = "encoder_layers." + layer;
        if (prefixes.test(name + ".fn.")) {
          int out = file.size(name + ".fn.2.conv.weight", 0, 5);
          if (out != width && units > 0) { // a change of width without a step down
            stages.add(new Stage(width, units, 1, 1));
            units = 0;
          }
          width = out;
          units++;
        } else if (prefixes.test(name + ".conv.")) {
          stages.add(new Stage(width, units, 2, 2));
          units = 0;
        } else {
          break;
        }
      }
      stages.add(new Stage(width, units, 1, 1));
      return layer;
    }

    /** Strides show only in the decoder: a step up makes 2, 4 or 8 times the channels. */
    private List<Stage> withStrides(List<Stage> stages) {
      List<Integer> steps = new ArrayList<>();
      long layers = file.names().stream().filter(n -> n.startsWith("decoder_layers.")).count();
      for (int layer = 1; layer <= layers; layer++) {
        String name = "decoder_layers." + layer + ".conv.";
        if (prefixes.test(name)) {
          steps.add(
              file.size(name + "weight", 0, 5) / Math.max(1, file.size(name + "weight", 1, 5)));
        }
      }
      if (steps.isEmpty()) {
        throw file.mismatch("has no decoder");
      }
      steps.remove(steps.size() - 1); // the last convolution makes pixels
      List<Stage> result = new ArrayList<>();
      for (Stage stage : stages) {
        if (stage.strideSpace() == 1) {
          result.add(stage);
          continue;
        }
        if (steps.isEmpty()) {
          throw file.mismatch("has more steps down in its encoder than steps up in its decoder");
        }
        int blocks = steps.remove(steps.size() - 1);
        result.add(
            switch (blocks) {
              case 2 -> new Stage(stage.width(), stage.units(), 2, 1);
              case 4 -> new Stage(stage.width(), stage.units(), 1, 2);
              case 8 -> new Stage(stage.width(), stage.units(), 2, 2);
              default ->
                  throw file.mismatch(
                      "has a decoder that makes %d times the channels in one step: expected 2, 4 or"
                          + " 8",
                      blocks);
            });
      }
      if (!steps.isEmpty()) {
        throw file.mismatch("has more steps up in its decoder than steps down in its encoder");
      }
      return result;
    }

    private List<Integer> levels(List<Integer> given, int latents) {
      List<Integer> published = Magvit2Config.OFFICIAL.levels();
      if (given.isEmpty() && latents != published.size()) {
        throw EngineFailure.badRequest(
            "%s has %d latent channels and does not say their FSQ levels; give --levels L,L,… (the"
                + " published tokenizer has %d channels of %s)",
            file.path(), latents, published.size(), published);
      }
      if (!given.isEmpty() && given.size() != latents) {
        throw EngineFailure.badRequest(
            "%d FSQ levels were given, %s has %d latent channels",
            given.size(), file.path(), latents);
      }
      return given.isEmpty() ? published : given;
    }
  }
}
