package dev.blockreel.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.media.ClipReader;
import dev.blockreel.progress.ProgressLine;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A folder of clips in the layout of UCF-101: {@code CLASS/CLIP.EXT}. A clip may also be a folder
 * of images, {@code CLASS/CLIP/IMAGE.EXT}.
 *
 * @param root the folder
 * @param classes names of the classes, sorted; their order gives the class numbers; empty where
 *     they are not known
 * @param clips all clips, sorted by class and name
 * @param skipped what lies between them and is none: files of other kinds, folders without any
 */
public record ClipFolder(Path root, List<String> classes, List<Item> clips, List<Path> skipped) {
  private static final Pattern IMAGES = endings("png|jpe?g|webp|bmp");

  /** The usual endings of what {@link ClipReader} reads. It goes by content, which costs time. */
  private static final Pattern CLIPS =
      endings(
          IMAGES.pattern()
              + "|safetensors|mp4|m4s|m4v|mov|mkv|webm|avi|gif|apng|mjpeg|mpe?g|ts|m2ts|flv|og[gv]"
              + "|ivf|y4m|asf|wmv|nut|h26[45]|hevc|dv|tiff?|p[gp]m|qoi");

  /** As many are named in a line; more would hide that there are many. */
  private static final int NAMED = 3;

  /** A clip file, or its folder of images, and the number of its class, -1 where not known. */
  public record Item(Path file, int label) {}

  /**
   * Lists a folder and says what is in it; opens no clip.
   *
   * @throws EngineFailure as {@link #list(Path)}
   */
  static ClipFolder list(Path root, PrintStream console) {
    ClipFolder folder = list(root);
    console.printf("%s in %s%n", folder.describe(), root);
    if (!folder.skipped.isEmpty()) {
      console.println("skipped " + folder.describeSkipped());
    }
    return folder;
  }

  /**
   * Lists a folder of {@code CLASS/CLIP}, or of clip files alone: these have no classes, and the
   * label -1. Opens no clip.
   *
   * @throws EngineFailure as {@link #list(Path)}
   */
  public static ClipFolder listAny(Path root) {
    try {
      List<Path> entries = sorted(root);
      if (entries.stream().noneMatch(Files::isDirectory)) {
        List<Item> clips = new ArrayList<>();
        List<Path> skipped = new ArrayList<>();
        for (Path entry : entries) {
          if (isClip(entry)) {
            clips.add(new Item(entry, -1));
          } else {
            skipped.add(entry);
          }
        }
        if (!clips.isEmpty()) {
          return new ClipFolder(root, List.of(), List.copyOf(clips), List.copyOf(skipped));
        }
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot list the folder %s", root);
    }
    return list(root);
  }

  /**
   * Lists a folder; opens no clip.
   *
   * @throws EngineFailure MEDIA when there is no such folder or no clip in it
   */
  public static ClipFolder list(Path root) {
    List<String> classes = new ArrayList<>();
    List<Item> clips = new ArrayList<>();
    List<Path> skipped = new ArrayList<>();
    try {
      for (Path folder : sorted(root)) {
        List<Path> inside = Files.isDirectory(folder) ? sorted(folder) : List.of();
        List<Path> others = new ArrayList<>();
        int label = classes.size();
        int before = clips.size();
        for (Path entry : inside) {
          if (isClip(entry)) {
            clips.add(new Item(entry, label));
          } else {
            others.add(entry);
          }
        }
        if (clips.size() > before) {
          classes.add(folder.getFileName().toString());
          skipped.addAll(others);
        } else {
          skipped.add(folder);
        }
      }
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot list " + root + ": expected a folder of CLASS/CLIP files", e);
    }
    if (clips.isEmpty()) {
      throw new EngineFailure(
          FailureCode.MEDIA, root + " holds no clips: expected CLASS/CLIP files in it");
    }
    return new ClipFolder(root, List.copyOf(classes), List.copyOf(clips), List.copyOf(skipped));
  }

  private static List<Path> sorted(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(p -> !p.getFileName().toString().startsWith(".")).sorted().toList();
    }
  }

  private static boolean isClip(Path path) throws IOException {
    return Files.isDirectory(path)
        ? sorted(path).stream().anyMatch(file -> ends(file, IMAGES))
        : ends(path, CLIPS);
  }

  private static Pattern endings(String alternatives) {
    return Pattern.compile(alternatives, Pattern.CASE_INSENSITIVE);
  }

  private static boolean ends(Path file, Pattern endings) {
    String name = file.getFileName().toString();
    return endings.matcher(name.substring(name.lastIndexOf('.') + 1)).matches();
  }

  private static String few(List<String> all, String between) {
    String named = String.join(between, all.subList(0, Math.min(NAMED, all.size())));
    return all.size() > NAMED
        ? named + between + "and %d more".formatted(all.size() - NAMED)
        : named;
  }

  /**
   * Opens every clip and reads its headers, of folders those of the first image: a millisecond or
   * two for each, where a clip that cannot be read may end a training hours later.
   *
   * @throws EngineFailure as {@link #requireUsable}
   */
  void requireReadable(PrintStream console) {
    requireUsable(ClipReader::probe, console);
  }

  /** The same with another look at each clip. */
  void requireUsable(Consumer<Path> look, PrintStream console) {
    try (ProgressLine progress = ProgressLine.onOutput(console)) {
      requireUsable(clips, look, done -> progress.show("opened %d/%d clips", done, clips.size()));
    }
  }

  /**
   * Looks at every clip before the work begins.
   *
   * @param look throws an EngineFailure for a clip that cannot be used
   * @param progress is told how many were looked at
   * @throws EngineFailure MEDIA that says how many cannot be used, and why the first ones
   */
  public static void requireUsable(List<Item> clips, Consumer<Path> look, IntConsumer progress) {
    List<String> failures = new ArrayList<>();
    for (int i = 0; i < clips.size(); i++) {
      try {
        look.accept(clips.get(i).file);
      } catch (EngineFailure e) {
        failures.add(e.getMessage());
      }
      progress.accept(i + 1);
    }
    if (!failures.isEmpty()) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          "%d of %d clips cannot be used: %s"
              .formatted(failures.size(), clips.size(), few(failures, "; ")));
    }
  }

  /** Changes with {@code how} and with every clip that comes, goes, or is written anew. */
  String digest(String how) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(how.getBytes(UTF_8));
      for (Item clip : clips) {
        // A folder does not change when an image in it does.
        for (Path file : Files.isDirectory(clip.file) ? sorted(clip.file) : List.of(clip.file)) {
          String facts =
              "\n%s\t%d\t%d\t%s"
                  .formatted(
                      root.relativize(file),
                      clip.label,
                      Files.size(file),
                      Files.getLastModifiedTime(file));
          digest.update(facts.getBytes(UTF_8));
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read the clips of %s", root);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** At most so many clips from all over, the same ones each time. */
  List<Item> spread(int most) {
    int count = Math.min(most, clips.size());
    return IntStream.range(0, count)
        .mapToObj(i -> clips.get((int) ((long) i * clips.size() / count)))
        .toList();
  }

  /** What was skipped, as it lies in the folder. */
  public List<String> skippedNames() {
    return skipped.stream().map(path -> root.relativize(path).toString()).toList();
  }

  /** The same in words: how many, and the names of the first ones. */
  public String describeSkipped() {
    List<String> names = skippedNames();
    return "%d %s: %s"
        .formatted(
            names.size(),
            names.size() == 1 ? "that is no clip" : "that are no clips",
            few(names, ", "));
  }

  /** Its size in words. */
  String describe() {
    return "%d clips of %d classes".formatted(clips.size(), classes.size());
  }
}
