package dev.blockreel.tokenizer.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Cuts text into the pieces that a {@code tokenizer.json} knows. Holds native memory until closed.
 */
public final class TextTokenizer implements AutoCloseable {
  /** Name of the file in a model directory. */
  public static final String FILE = "tokenizer.json";

  /** {@code </s>}, with which the published models fill up. */
  private static final int PADDING = 2;

  private final HuggingFaceTokenizer tokenizer;

  private TextTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a {@code tokenizer.json}.
   *
   * @return to be closed by the caller
   * @throws EngineFailure BAD_REQUEST when it is none
   */
  public static TextTokenizer open(Path path) {
    if (!Files.isRegularFile(path)) {
      throw EngineFailure.badRequest("there is no file %s", path);
    }
    // Natives come inside the jar: nothing may be fetched at run time, and nothing reported home.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    try {
      return new TextTokenizer(
          HuggingFaceTokenizer.builder()
              .optTokenizerPath(path)
              .optTruncation(false)
              .optPadding(false)
              .build());
    } catch (IOException | RuntimeException e) {
      throw EngineFailure.badRequest(
          "%s is no tokenizer.json: %s",
          path, String.valueOf(e.getMessage()).replaceAll("\\s+", " "));
    }
  }

  /**
   * The ids of a text with the special tokens that the file asks for, cut or filled up with {@code
   * </s>} on the right to exactly {@code count}.
   */
  public int[] ids(String text, int count) {
    long[] all = tokenizer.encode(text).getIds();
    int[] ids = new int[count];
    Arrays.fill(ids, PADDING);
    for (int i = 0; i < Math.min(count, all.length); i++) {
      ids[i] = Math.toIntExact(all[i]);
    }
    return ids;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
