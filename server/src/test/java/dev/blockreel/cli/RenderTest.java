package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.sampler.FlowOptions;
import dev.blockreel.sampler.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RenderTest {
  @TempDir private static Path folder;
  private static Path model;

  @BeforeAll
  static void writeModel() {
    model = TinyModel.write(folder.resolve("model"));
  }

  private static CommandLineRun render(Path out, String... lines) throws IOException {
    Path manifest = Files.writeString(folder.resolve("clips.jsonl"), String.join("\n", lines));
    return CommandLineRun.of(
        "render", manifest, "--model", model, "--out", out, "--format", "mkv", "--dtype", "fp32");
  }

  private static float[] pixels(Path clip) {
    return ClipReader.read(clip, ClipSampling.ALL).pixels();
  }

  @Test
  void aSecondRunMakesOnlyWhatIsMissing() throws IOException {
    Path out = folder.resolve("clips");
    String[] lines = {
      "{\"name\": \"first\", \"class\": \"walk-left\", \"seed\": 7}",
      "{\"class\": \"slash-up\", \"seed\": 8}",
      "",
      "{\"class\": 1, \"temperature\": 0.5, \"topK\": 4}"
    };
    lines[3] = lines[3].replace("1,", "\"1\",");
    assertThat(render(out, lines).worked().out()).contains("3 clips, 3 made now, 0 were there");
    JsonNode sidecar = new ObjectMapper().readTree(out.resolve("00004.json").toFile());
    assertThat(sidecar.at("/request/seed").asInt()).isEqualTo(4);
    assertThat(sidecar.at("/sampling/temperature").asDouble()).isEqualTo(0.5);
    assertThat(sidecar.path("frames").asInt()).isEqualTo(TinyModel.FRAMES);

    FileTime time = Files.getLastModifiedTime(out.resolve("first.mkv"));
    float[] before = pixels(out.resolve("00002.mkv"));
    Files.delete(out.resolve("00002.json")); // as if interrupted between clip and sidecar
    assertThat(render(out, lines).worked().out()).contains("1 made now, 2 were there");
    assertThat(pixels(out.resolve("00002.mkv"))).isEqualTo(before);
    assertThat(Files.getLastModifiedTime(out.resolve("first.mkv"))).isEqualTo(time);

    lines[0] = lines[0].replace("7", "9");
    assertThat(render(out, lines).worked().out()).contains("1 made now, 2 were there");
  }

  @Test
  void clipsAreThoseOfGenerate() throws IOException {
    Path out = folder.resolve("same");
    render(out, "{\"name\": \"a\", \"class\": \"slash-up\", \"seed\": 3}").worked();
    Path generated = folder.resolve("generated.mkv");
    CommandLineRun.of(
            "generate",
            "--model",
            model,
            "--class",
            "slash-up",
            "--seed",
            3,
            "--dtype",
            "fp32",
            "--out",
            generated)
        .worked();
    assertThat(pixels(out.resolve("a.mkv"))).isEqualTo(pixels(generated));
    // And what was made can be continued.
    render(
            out,
            "{\"name\": \"b\", \"class\": \"slash-up\", \"condition\": \"%s\", \"conditionFrames\": 1}"
                .formatted(generated))
        .worked();
    assertThat(out.resolve("b.json")).exists();
  }

  @Test
  void whatALineDoesNotSayIsAsTheCommandSays(@TempDir Path own) throws IOException {
    Path file = Files.writeString(own.resolve("one.jsonl"), "{\"temperature\": 0.5}\n");
    FlowOptions flow = FlowOptions.PUBLISHED.withSteps(7);
    SamplingOptions usual = new SamplingOptions(1, 3, 0.9, 2, false, flow);
    assertThat(RenderManifest.read(file).get(0).over(usual))
        .isEqualTo(new SamplingOptions(0.5, 3, 0.9, 2, false, flow));
  }

  @Test
  void aWrongLineIsNamedBeforeAnythingIsMade() throws IOException {
    Path out = folder.resolve("none");
    String good = "{\"class\": \"slash-up\"}\n";
    render(out, good + "{\"clas\": \"slash-up\"}")
        .failedWith(2, "clips.jsonl, line 2: unknown field \"clas\", near are class");
    render(out, good + "{\"class\": \"slash-u\"}")
        .failedWith(2, "clip 00002: unknown class \"slash-u\": near are slash-up");
    render(out, good + "{\"seed\": \"one\"}").failedWith(2, "line 2", "one");
    render(out, good + "nonsense").failedWith(2, "line 2", "nonsense");
    render(out, good + "{\"class\": \"slash-up\"")
        .failedWith(2, "line 2: no valid JSON at column 21: Unexpected end-of-input: expected");
    render(out, good + "null").failedWith(2, "line 2: expected a JSON object");
    render(out, good + "{\"seed\": 1}").failedWith(2, "this model needs a class: walk-left");
    render(out, "{\"name\": \"../a\"}").failedWith(2, "no plain file name");
    render(out, "{\"name\": \"a\"}\n{\"name\": \"a\"}").failedWith(2, "line 2", "is taken");
    render(out, "").failedWith(2, "holds no clips");
    assertThat(out).doesNotExist();
  }
}
