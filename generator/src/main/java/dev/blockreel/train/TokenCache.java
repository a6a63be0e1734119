package dev.blockreel.train;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The tokens of all clips of a folder, computed once and kept in a file, which serves as long as
 * the folder's list of clips and the tokenizer are the same.
 *
 * @param codebook number of different codes
 * @param time t, latent frames
 * @param height h, rows
 * @param width w, columns
 * @param tokens codes of all clips, (clips, t, h, w)
 * @param labels class number of each clip
 */
record TokenCache(int codebook, int time, int height, int width, int[] tokens, int[] labels) {
  static TokenCache of(ClipFolder folder, ModelDirectory model, Path file, PrintStream console) {
    String key =
        Integer.toHexString(folder.clips().hashCode()) + " " + model.description().path("files");
    int[] labels = folder.clips().stream().mapToInt(ClipFolder.Item::label).toArray();
    try (Magvit2Tokenizer tokenizer =
        Magvit2Tokenizer.load(model, Numerics.inference(Torch.fastDtype(), 1))) {
      int codebook = tokenizer.description().network().codebookSize();
      if (Files.exists(file)) {
        try (TensorFile kept = Safetensors.open(file)) {
          if (key.equals(kept.metadata().get("key"))) {
            long[] shape = kept.info("tokens").shape();
            int[] tokens =
                Arrays.stream(kept.integers("tokens")).mapToInt(Math::toIntExact).toArray();
            return new TokenCache(
                codebook, (int) shape[1], (int) shape[2], (int) shape[3], tokens, labels);
          }
        }
      }
      TokenCache cache = encode(folder.clips(), tokenizer, codebook, labels, console);
      SafetensorsWriter.to(file)
          .metadata("key", key)
          .addInts(
              "tokens",
              new long[] {labels.length, cache.time, cache.height, cache.width},
              cache.tokens)
          .write();
      return cache;
    }
  }

  private static TokenCache encode(
      List<ClipFolder.Item> clips,
      Magvit2Tokenizer tokenizer,
      int codebook,
      int[] labels,
      PrintStream console) {
    Magvit2Tokenizer.Description shape = tokenizer.description();
    ClipSampling sampling =
        new ClipSampling(
            shape.frames(),
            shape.fps(),
            shape.height(),
            shape.width(),
            ClipSampling.Fit.SQUASH,
            ClipSampling.Window.START,
            true,
            0);
    int[] tokens = null;
    TokenGrid grid = null;
    for (int i = 0; i < clips.size(); i++) {
      Clip clip = ClipReader.read(clips.get(i).file(), sampling);
      grid = tokenizer.encode(clip);
      tokens = tokens == null ? new int[clips.size() * grid.codes().length] : tokens;
      System.arraycopy(grid.codes(), 0, tokens, i * grid.codes().length, grid.codes().length);
      if ((i + 1) % 50 == 0 || i + 1 == clips.size()) {
        console.printf("\rtokens of %d/%d clips ", i + 1, clips.size());
      }
    }
    console.println();
    return new TokenCache(codebook, grid.time(), grid.height(), grid.width(), tokens, labels);
  }

  int clips() {
    return labels.length;
  }

  /** Tokens of one clip. */
  int clipTokens() {
    return time * height * width;
  }

  int label(int clip) {
    return labels[clip];
  }

  int[] codes(int clip) {
    return Arrays.copyOfRange(tokens, clip * clipTokens(), (clip + 1) * clipTokens());
  }
}
