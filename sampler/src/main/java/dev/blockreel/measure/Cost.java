package dev.blockreel.measure;

import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import java.util.List;

/** What networks must compute and read, counted from their sizes. */
final class Cost {
  private static final int TAPS = 27;

  private Cost() {}

  /** Arithmetic of encoding a clip of T frames of H x W pixels. */
  static double encodeFlops(Magvit2Config c, int frames, int height, int width) {
    double products = 0;
    int time = frames;
    double area = (double) height * width / (c.patch() * c.patch());
    int channels = c.stages().get(0).width();
    products += TAPS * 3.0 * c.patch() * c.patch() * channels * time * area;
    for (Stage stage : c.stages()) {
      products += units(stage, channels, time * area);
      channels = stage.width();
      if (stage.strideTime() * stage.strideSpace() > 1) {
        time = stage.strideTime() == 1 ? time : (time - 1) / 2 + 1;
        area /= stage.strideSpace() * stage.strideSpace();
        products += TAPS * (double) channels * channels * time * area;
      }
    }
    return 2 * (products + (double) channels * c.levels().size() * time * area);
  }

  /** Arithmetic of decoding t latent frames of h x w codes, the first ones of a clip. */
  static double decodeFlops(Magvit2Config c, int latentFrames, int height, int width) {
    List<Stage> stages = c.stages();
    int time = latentFrames;
    double area = (double) height * width;
    int channels = stages.get(stages.size() - 1).width();
    double products = TAPS * (double) c.levels().size() * channels * time * area;
    for (int s = stages.size() - 1; s >= 0; s--) {
      Stage stage = stages.get(s);
      int blocks = stage.strideTime() * stage.strideSpace() * stage.strideSpace();
      if (blocks > 1) {
        products += TAPS * (double) channels * channels * blocks * time * area;
        time = stage.strideTime() == 1 ? time : 2 * time - 1;
        area *= stage.strideSpace() * stage.strideSpace();
      }
      products += units(stage, channels, time * area);
      channels = stage.width();
    }
    return 2 * (products + TAPS * (double) channels * 3 * c.patch() * c.patch() * time * area);
  }

  private static double units(Stage stage, int in, double positions) {
    double out = stage.width();
    double products = TAPS * (in * out + out * out) * positions;
    products += in == stage.width() ? 0 : in * out * positions;
    return products + (stage.units() - 1) * 2 * TAPS * out * out * positions;
  }

  /** Arithmetic of a step that reads T tokens on a cache and gives logits of some rows. */
  static double stepFlops(NbpConfig c, int tokens, int past, int rows) {
    double width = c.width();
    double layer = 12 * width * width * tokens + 2 * width * tokens * (past + tokens);
    // Of the last layer the other tokens need keys and values alone.
    double spared = 9 * width * width * (tokens - rows);
    return 2 * (c.layers() * layer - spared + width * c.vocabulary() * rows);
  }

  /** What such a step reads: every matrix and the cache once. */
  static double stepBytes(NbpConfig c, int past, int bytesOfNumber) {
    double width = c.width();
    double layer = 12 * width * width + 2 * width * past;
    return bytesOfNumber * (c.layers() * layer + width * c.vocabulary());
  }
}
