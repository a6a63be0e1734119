package dev.blockreel.evaluate;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.train.ClipFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * A folder of clips or images: {@code CLASS/CLIP}, or clips alone, whose class is not known.
 *
 * @param folder what is in it
 */
record ClipSet(ClipFolder folder) {
  private static final int BATCH = 8;

  /** How long what was computed may wait to be saved. */
  static final long SAVE_PAUSE = Duration.ofSeconds(60).toNanos();

  /**
   * Lists a folder, and tells what in it is skipped.
   *
   * @throws EngineFailure MEDIA when there is no such folder or no clip in it
   */
  static ClipSet of(Path root, EvaluationProgress progress) {
    ClipFolder folder = ClipFolder.listAny(root);
    if (!folder.skipped().isEmpty()) {
      progress.note("%s: skipped %s".formatted(root, folder.describeSkipped()));
    }
    return new ClipSet(folder);
  }

  /** The folder. */
  Path root() {
    return folder.root();
  }

  /** Names of the classes; empty where they are not known. */
  List<String> classes() {
    return folder.classes();
  }

  /** The files; with the label -1 where the class is not known. */
  List<ClipFolder.Item> clips() {
    return folder.clips();
  }

  /** The class number of each clip among {@code names}; -1 where it is none of them. */
  int[] labels(List<String> names) {
    return clips().stream()
        .mapToInt(clip -> clip.label() < 0 ? -1 : names.indexOf(classes().get(clip.label())))
        .toArray();
  }

  /** Reads one of its clips; a random window is another one for each. */
  Clip read(int number, ClipSampling sampling) {
    return ClipReader.read(clips().get(number).file(), sampling.paddingShort().withSeed(number));
  }

  /**
   * Opens all clips from the {@code first} on: one that cannot be used would end the work late.
   *
   * @throws EngineFailure MEDIA that says how many cannot be read, or are too short for a network,
   *     and why the first ones
   */
  void requireUsable(
      int first, ClipSampling sampling, List<Network> networks, EvaluationProgress progress) {
    int frames = networks.stream().mapToInt(Network::frames).max().orElse(1);
    ClipSampling least =
        new ClipSampling(frames, sampling.fps(), 0, 0, sampling.fit(), sampling.window());
    ClipFolder.requireUsable(
        clips().subList(first, clips().size()),
        // Short clips are filled up where a length is asked for.
        sampling.frames() > 0 ? ClipReader::probe : file -> ClipReader.requireLength(file, least),
        done -> progress.show("opening " + root(), first + done, clips().size()));
  }

  /**
   * Shows all clips to the networks.
   *
   * @param sampling which frames of each file
   * @param kept where to keep what was seen so far, to go on with after an interruption
   */
  Observations observe(
      ClipSampling sampling, List<Network> networks, Path kept, EvaluationProgress progress) {
    String key = key(sampling, networks);
    Observations observations = Observations.load(networks, kept, key);
    requireUsable(observations.clips(), sampling, networks, progress);
    long saved = System.nanoTime();
    List<Clip> batch = new ArrayList<>();
    for (int i = observations.clips(); i < clips().size(); i++) {
      Clip clip = read(i, sampling);
      if (!batch.isEmpty() && (batch.size() == BATCH || !sameSize(batch.get(0), clip))) {
        observations.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(clip);
      progress.show("looking at " + root(), observations.clips(), clips().size());
      if (System.nanoTime() - saved > SAVE_PAUSE) {
        observations.save(kept, key);
        saved = System.nanoTime();
      }
    }
    if (!batch.isEmpty()) {
      observations.add(batch);
      observations.save(kept, key);
    }
    progress.show("looking at " + root(), observations.clips(), clips().size());
    return observations;
  }

  private static boolean sameSize(Clip a, Clip b) {
    return a.frames() == b.frames() && a.height() == b.height() && a.width() == b.width();
  }

  /** Another value when the files, the frames taken or the networks are others. */
  String key(ClipSampling sampling, List<Network> networks) {
    StringBuilder text = new StringBuilder(sampling.toString());
    networks.forEach(n -> text.append('\n').append(n.name()).append(' ').append(n.identity()));
    for (ClipFolder.Item clip : clips()) {
      try {
        text.append('\n').append(root().relativize(clip.file())).append(' ');
        text.append(Files.size(clip.file())).append(' ');
        text.append(Files.getLastModifiedTime(clip.file()).toMillis());
      } catch (IOException e) {
        throw EngineFailure.media(e, "cannot read %s", clip.file());
      }
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of()
          .formatHex(digest.digest(text.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
