package dev.blockreel.evaluate;

import dev.blockreel.grid.Clip;
import java.util.List;

/**
 * A trained network that looks at clips in place of a person. Holds native memory until closed; one
 * thread at a time.
 */
public interface Network extends AutoCloseable {
  /**
   * What it makes of one clip or one frame.
   *
   * @param features a vector that is near for things that look alike, or null where it gives none
   * @param probabilities of each of its classes, or null where it gives none
   */
  record Reading(float[] features, float[] probabilities) {}

  /** A short name for reports, also good as a part of file names. */
  String name();

  /** What it is, down to its weights: another value, other readings. */
  String identity();

  /** The fewest frames of a clip that it can look at. */
  default int frames() {
    return 1;
  }

  /** How many readings a clip of this many frames gives. */
  default int readings(int frames) {
    return 1;
  }

  /**
   * Looks at clips of one size.
   *
   * @return the readings of the first clip, of the second, and so on
   * @throws dev.blockreel.failure.EngineFailure BAD_REQUEST or UNSUPPORTED when it takes no such
   *     clips
   */
  List<Reading> read(List<Clip> clips);

  @Override
  void close();
}
