package dev.blockreel.sampler;

import dev.blockreel.generator.nbp.NbpGenerator;
import java.util.List;

/** Runs streams from their first step to their last, in lockstep, without a batch around them. */
final class Streams {
  private Streams() {}

  /** The codes of each stream, {@code watcher} may be null. */
  static List<int[]> decode(
      NbpGenerator generator, List<NbpStream> streams, NbpDecoding.StepWatcher watcher) {
    try (NbpDecoding decoding = new NbpDecoding(generator, 2 * streams.size())) {
      streams.forEach(decoding::admit);
      while (!streams.get(0).finished()) {
        decoding.step(streams, watcher);
      }
    }
    return streams.stream().map(NbpStream::codes).toList();
  }
}
