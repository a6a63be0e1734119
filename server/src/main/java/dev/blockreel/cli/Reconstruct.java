package dev.blockreel.cli;

import dev.blockreel.evaluate.Fidelity;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures what a tokenizer loses. */
@Command(
    name = "reconstruct",
    description = "Sends clips through the tokenizer and back; prints PSNR, SSIM, bits per pixel.")
final class Reconstruct extends EngineCommand {
  @Parameters(
      paramLabel = "CLIP|FOLDER",
      description =
          "A clip, or a folder with clips in it at any depth (frame_0000.png marks a folder that is"
              + " one clip).")
  private Path source;

  @Mixin private ModelOptions model;
  @Mixin private ClipInput input;

  @Option(
      names = "--out",
      paramLabel = "CLIP",
      description =
          "Where to write what came back: a file, or for tensors of several clips a folder, a .png"
              + " sheet or .safetensors.")
  private Path out;

  @Option(names = "--each", description = "Print a row for each clip, not only the means.")
  private boolean each;

  private double psnr;
  private double ssim;
  private double bits;
  private double pixels;
  private int count;
  private ClipOutput output;

  @Override
  void run() {
    boolean folder = Files.isDirectory(source) && !Files.exists(source.resolve("frame_0000.png"));
    if (out != null) {
      if (folder) {
        throw EngineFailure.badRequest("--out takes one clip: %s is a folder of clips", source);
      }
      output = ClipOutput.open(out, 1); // before anything is loaded
    }
    ProgressLine progress = ProgressLine.onError(err());
    try (ClipTokenizer tokenizer = model.loadTokenizer()) {
      List<Path> files = folder ? clips(source) : List.of(source);
      for (int i = 0; i < files.size(); i++) {
        List<Clip> clips = input.read(files.get(i), tokenizer.shape());
        if (out != null && clips.size() > 1) {
          output = ClipOutput.open(out, clips.size());
        }
        for (Clip clip : clips) {
          measure(tokenizer, files.get(i), clip);
        }
        if (folder) {
          progress.show("clip %d of %d", i + 1, files.size());
        }
      }
    }
    progress.close();
    if (output != null) {
      output
          .finish()
          .ifPresent(
              file -> out().printf("%s: %d clips, %s%n", file, count, OutputFiles.size(file)));
    }
    out()
        .printf(
            "%s: PSNR %.2f dB, SSIM %.4f, %.4f bits per pixel%n",
            count == 1 ? source : "mean of %d clips".formatted(count),
            psnr / count,
            ssim / count,
            bits / pixels);
  }

  private void measure(ClipTokenizer tokenizer, Path file, Clip clip) {
    ClipCodes codes = tokenizer.toCodes(clip);
    Clip decoded = tokenizer.toClip(codes);
    if (decoded.frames() != clip.frames()) {
      throw EngineFailure.badRequest(
          "%s has %d frames, of which %d come back: the model is made for %d",
          file, clip.frames(), decoded.frames(), tokenizer.shape().frames());
    }
    Fidelity fidelity = Fidelity.of(clip, decoded);
    psnr += fidelity.psnr();
    ssim += fidelity.ssim();
    bits += tokenizer.bits(codes);
    pixels += (double) clip.frames() * clip.height() * clip.width();
    count++;
    if (each) {
      out().printf("%s: PSNR %.2f dB, SSIM %.4f%n", file, fidelity.psnr(), fidelity.ssim());
    }
    if (output != null) {
      // Frames per second of the original, which the tokenizer does not know.
      Clip timed =
          new Clip(
              decoded.pixels(), decoded.frames(), decoded.height(), decoded.width(), clip.fps());
      output
          .add("clip%05d".formatted(count - 1), codes, timed)
          .ifPresent(
              made ->
                  out()
                      .printf(
                          "%s: %s, %s%n", made, ClipInput.describe(timed), OutputFiles.size(made)));
    }
  }

  private static List<Path> clips(Path folder) {
    try (Stream<Path> entries = Files.walk(folder)) {
      List<Path> files =
          entries
              .filter(Files::isRegularFile)
              .filter(file -> !file.getFileName().toString().startsWith("."))
              .sorted()
              .toList();
      if (files.isEmpty()) {
        throw new EngineFailure(FailureCode.MEDIA, folder + " holds no clips");
      }
      return files;
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot list %s", folder);
    }
  }
}
