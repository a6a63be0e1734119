package dev.blockreel.generator.nbp;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The 101 classes of UCF-101 as the published text-conditioned models get them: the name in words,
 * cut into pieces by the LLaMA tokenizer. {@code ApplyEyeMakeup} is read as "apply eye makeup".
 */
public final class UcfClasses {
  /** Condition ids per class, at least. */
  public static final int TOKENS = 8;

  /** The padding of texts, {@code </s>} of the LLaMA tokenizer. */
  private static final int PADDING = 2;

  /** Pieces of the LLaMA tokenizer. */
  public static final int VOCABULARY = 32_000;

  /**
   * One class.
   *
   * @param name as the data set writes it
   * @param ids {@link #TOKENS} condition ids, without the offset of the special tokens
   */
  public record UcfClass(String name, List<Integer> ids) {
    /** As many ids as a model takes, {@link #TOKENS} or more. */
    public List<Integer> ids(int tokens) {
      return IntStream.range(0, tokens).mapToObj(i -> i < TOKENS ? ids.get(i) : PADDING).toList();
    }
  }

  private static final Pattern BLANK = Pattern.compile("\\s+");

  private UcfClasses() {}

  /** All classes, by name. */
  public static List<UcfClass> all() {
    List<UcfClass> classes = new ArrayList<>();
    try (InputStream in = UcfClasses.class.getResourceAsStream("ucf101.tsv");
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          List<String> words = Arrays.asList(BLANK.split(line));
          List<Integer> ids = words.stream().skip(1).map(Integer::valueOf).toList();
          classes.add(new UcfClass(words.get(0), ids));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return List.copyOf(classes);
  }
}
