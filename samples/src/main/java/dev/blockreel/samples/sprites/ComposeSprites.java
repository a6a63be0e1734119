package dev.blockreel.samples.sprites;

import static dev.blockreel.failure.EngineFailure.badRequest;

import dev.blockreel.media.ClipWriter;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Composes clips of sprite characters into a folder in the layout of UCF-101: {@code
 * OUT/CLASS/CLASS_c00012.mkv}, 20 clips for each character. Clips that exist are left alone, so a
 * run that was stopped goes on where it was.
 */
@Command(
    name = "compose-sprites",
    mixinStandardHelpOptions = true,
    description = "Composes clips of sprite characters from layered artwork.")
public final class ComposeSprites extends SampleProgram {
  /** Which characters to draw: those divisible by ten are for testing. */
  enum Only {
    TEST,
    TRAIN,
    ALL
  }

  @Option(names = "--layers", required = true, description = "Folder of KIND/SEX/NAME.png sheets.")
  private Path layers;

  @Option(names = "--out", required = true, description = "Folder to fill.")
  private Path out;

  @Option(
      names = "--characters",
      defaultValue = "0..99",
      description = "First and last character, as in 0..999 (default: ${DEFAULT-VALUE}).")
  private String characters;

  @Option(
      names = "--only",
      defaultValue = "ALL",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Only only;

  @Option(
      names = "--format",
      defaultValue = "mkv",
      description =
          "Ending of the files: mkv and avi are lossless; mp4, webm, gif, webp, apng; png is a"
              + " sheet of all frames (default: ${DEFAULT-VALUE}).")
  private String format;

  @Option(
      names = "--frames",
      defaultValue = "" + SpriteComposer.FRAMES,
      description = "Frames of a clip, 8 for each second (default: ${DEFAULT-VALUE}).")
  private int frames;

  @Option(
      names = "--first",
      defaultValue = "0",
      description =
          "Frame of the action that a clip begins with. Frame 0 of most actions is the same"
              + " standing figure, so single frames that shall tell their class are drawn with"
              + " --first 1 --frames 5 (default: ${DEFAULT-VALUE}).")
  private int first;

  /** Runs the program and ends the virtual machine. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs the program and returns its exit code. */
  static int run(String... arguments) {
    return run(new ComposeSprites(), arguments);
  }

  @Override
  void run() {
    long[] numbers = numbers();
    if (frames < 1) {
      throw badRequest("--frames must be at least 1: got %d", frames);
    }
    if (first < 0) {
      throw badRequest("--first must be at least 0: got %d", first);
    }
    SpriteLayers artwork = new SpriteLayers(layers);
    SpriteComposer composer = new SpriteComposer(artwork);
    PrintWriter terminal = terminal();
    int total = numbers.length * SpriteClass.ALL.size();
    int written = 0;
    int seen = 0;
    for (long number : numbers) {
      SpriteCharacter character = SpriteCharacter.of(number, artwork);
      for (SpriteClass kind : SpriteClass.ALL) {
        Path file = file(kind, number);
        if (!Files.exists(file)) {
          ClipWriter.write(file, composer.compose(character, kind, first, frames));
          written++;
        }
        seen++;
      }
      terminal.print("\r%d of %d clips".formatted(seen, total));
      terminal.flush();
    }
    terminal.println(": %d written, %d were there".formatted(written, seen - written));
  }

  private Path file(SpriteClass kind, long number) {
    String label = kind.label();
    return out.resolve(label).resolve("%s_c%05d.%s".formatted(label, number, format));
  }

  private long[] numbers() {
    List<String> ends = List.of(characters.split("\\.\\.", -1));
    try {
      long first = Long.parseLong(ends.get(0));
      long last = Long.parseLong(ends.get(ends.size() - 1));
      if (ends.size() <= 2 && 0 <= first && first <= last) {
        return LongStream.rangeClosed(first, last).filter(this::wanted).toArray();
      }
    } catch (NumberFormatException e) {
      // Told below, as any other wrong range.
    }
    throw badRequest("--characters must be like 0..999: got %s", characters);
  }

  private boolean wanted(long number) {
    return switch (only) {
      case ALL -> true;
      case TEST -> SpriteCharacter.forTesting(number);
      case TRAIN -> !SpriteCharacter.forTesting(number);
    };
  }
}
