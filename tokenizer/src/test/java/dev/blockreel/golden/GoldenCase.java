package dev.blockreel.golden;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * One folder of golden data: what went into the authors' code, what came out, and how far we may
 * differ.
 */
public final class GoldenCase implements AutoCloseable {
  private final String name;
  private final Path folder;
  private final JsonNode description;
  private final TensorFile inputs;
  private final TensorFile expected;

  /** Copies the case out of the test resources, from which files cannot be mapped. */
  public GoldenCase(String name) {
    this.name = name;
    try {
      this.folder = Files.createTempDirectory("golden");
      // What is registered last goes first: the files, then their folder.
      folder.toFile().deleteOnExit();
      this.description = new ObjectMapper().readTree(file("case.json").toFile());
      this.inputs = Safetensors.open(file("inputs.safetensors"));
      this.expected = Safetensors.open(file("expected.safetensors"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file of the case, on disk. */
  public Path file(String file) {
    Path copy = folder.resolve(file);
    try (InputStream in = GoldenCase.class.getResourceAsStream("/golden/" + name + "/" + file)) {
      Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
      copy.toFile().deleteOnExit();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return copy;
  }

  /** The {@code config} part of case.json. */
  public JsonNode config() {
    return description.get("config");
  }

  /** All of case.json. */
  public JsonNode description() {
    return description;
  }

  public TensorFile inputs() {
    return inputs;
  }

  public TensorFile expected() {
    return expected;
  }

  /** Asserts |got - expected| ≤ atol + rtol·|expected|, with the case's own tolerance. */
  public void assertClose(String tensor, float[] got) {
    assertClose(tensor, got, 1);
  }

  /** As {@link #assertClose(String, float[])}, with the tolerance widened by a factor. */
  public void assertClose(String tensor, float[] got, double factor) {
    double[] tolerance = tolerance(tensor);
    float[] wanted = expected.floats(tensor);
    assertThat(got).as(name + " " + tensor).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.length; i++) {
      double allowed = factor * (tolerance[0] + tolerance[1] * Math.abs(wanted[i]));
      if (!(Math.abs(got[i] - wanted[i]) <= allowed)) {
        throw new AssertionError(
            "%s %s[%d]: got %s, expected %s within %s"
                .formatted(name, tensor, i, got[i], wanted[i], allowed));
      }
    }
  }

  private double[] tolerance(String tensor) {
    JsonNode entry = description.get("expected").get(tensor).get("tolerance");
    return new double[] {entry.get("atol").asDouble(), entry.get("rtol").asDouble()};
  }

  @Override
  public void close() {
    inputs.close();
    expected.close();
  }
}
