package dev.blockreel.tokenizer.magvit2;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.LoadedNetwork;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Clips that are decoded while their latent frames are still coming. No layer of the tokenizer
 * looks into the future, so the frames of a latent frame are final as soon as it is known: the
 * first one brings one frame, each further one as many as the strides in time multiply to, and the
 * result is that of decoding the whole. The work grows with the frames that are pushed; the native
 * memory that is held between two pushes (two frames for each convolution) does not grow at all.
 *
 * <p>The first push settles how many clips there are and how large. One thread at a time; the
 * {@link Magvit2Tokenizer} that made it must stay open meanwhile.
 */
public final class ClipStream implements AutoCloseable {
  private final Magvit2Tokenizer.Description description;
  private final LoadedNetwork network;
  private final TensorList history = new TensorList(List.of());
  private List<TokenGrid> first;
  private boolean closed;

  ClipStream(Magvit2Tokenizer.Description description, LoadedNetwork network) {
    this.description = description;
    this.network = network;
  }

  /** Decodes the next latent frames of the only clip; see {@link #push(List)}. */
  public Clip push(TokenGrid latentFrames) {
    return push(List.of(latentFrames)).get(0);
  }

  /**
   * Decodes the next latent frames. After a failure that is not a BAD_REQUEST the stream is closed.
   *
   * @param latentFrames one grid a clip, all of one size
   * @return the frames that they bring, one clip a grid; values are clamped to [0, 1]
   * @throws EngineFailure BAD_REQUEST when a code lies outside the codebook, or the sizes differ
   *     from each other or from earlier pushes; the stream can then go on
   * @throws IllegalStateException when the stream is closed
   */
  public List<Clip> push(List<TokenGrid> latentFrames) {
    return clips(pushRaw(latentFrames), latentFrames);
  }

  /**
   * Decodes the next latent frames of several streams of one tokenizer, in as few calls as can be,
   * with the results of pushing each alone, up to rounding. After a failure of a network those that
   * it was decoding are closed; whoever needs all of them to agree closes the others.
   *
   * @param chunks the grids of each stream, as {@link #push(List)} takes them
   * @return what {@code push} gives for each stream
   * @throws IllegalStateException when a stream is closed
   */
  public static List<List<Clip>> push(List<ClipStream> streams, List<List<TokenGrid>> chunks) {
    Map<List<Integer>, List<Integer>> alike = new LinkedHashMap<>();
    for (int i = 0; i < streams.size(); i++) {
      ClipStream stream = streams.get(i);
      stream.requireNext(chunks.get(i));
      TokenGrid grid = chunks.get(i).get(0);
      int begun = stream.first == null ? 0 : 1;
      alike
          .computeIfAbsent(
              List.of(begun, grid.time(), grid.height(), grid.width()), key -> new ArrayList<>())
          .add(i);
    }
    List<List<Clip>> pushed = new ArrayList<>(Collections.nCopies(streams.size(), List.of()));
    for (List<Integer> group : alike.values()) {
      if (group.size() == 1) {
        int only = group.get(0);
        pushed.set(only, streams.get(only).push(chunks.get(only)));
        continue;
      }
      List<ClipStream> some = group.stream().map(streams::get).toList();
      List<TokenGrid> grids = group.stream().flatMap(i -> chunks.get(i).stream()).toList();
      List<Clip> clips = clips(some, grids, group.stream().map(chunks::get).toList());
      int from = 0;
      for (int i : group) {
        int to = from + chunks.get(i).size();
        pushed.set(i, clips.subList(from, to));
        from = to;
      }
    }
    return pushed;
  }

  private static List<Clip> clips(
      List<ClipStream> streams, List<TokenGrid> grids, List<List<TokenGrid>> chunks) {
    ClipStream one = streams.get(0);
    TokenGrid grid = grids.get(0);
    try (TensorScope scope = TensorScope.open()) {
      float[] pixels =
          one.network
              .call(
                  scope,
                  "decodeTogether",
                  scope.longs(
                      one.codes(grids), grids.size(), grid.time(), grid.height(), grid.width()),
                  streams.stream().map(stream -> stream.history).toList(),
                  chunks.stream().mapToLong(List::size).toArray())
              .toFloats();
      for (int i = 0; i < streams.size(); i++) {
        streams.get(i).begin(chunks.get(i));
      }
      return one.clips(pixels, grids);
    } catch (RuntimeException e) {
      streams.forEach(ClipStream::close); // some layers remember this chunk already, others do not
      throw e;
    }
  }

  private List<Clip> clips(float[] pixels, List<TokenGrid> latentFrames) {
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = Math.min(1, Math.max(0, pixels[i]));
    }
    int factor = description.network().spaceFactor();
    int height = latentFrames.get(0).height() * factor;
    int width = latentFrames.get(0).width() * factor;
    int size = pixels.length / latentFrames.size();
    List<Clip> clips = new ArrayList<>();
    for (int i = 0; i < latentFrames.size(); i++) {
      float[] part = Arrays.copyOfRange(pixels, i * size, (i + 1) * size);
      clips.add(new Clip(part, size / (3 * height * width), height, width, description.fps()));
    }
    return clips;
  }

  /** As {@link #push(List)}, without clamping: (B, 3, T, H, W). */
  float[] pushRaw(List<TokenGrid> latentFrames) {
    requireNext(latentFrames);
    TokenGrid grid = latentFrames.get(0);
    long[] codes = codes(latentFrames);
    try (TensorScope scope = TensorScope.open()) {
      float[] pixels =
          network
              .call(
                  scope,
                  "decode",
                  scope.longs(codes, latentFrames.size(), grid.time(), grid.height(), grid.width()),
                  history)
              .toFloats();
      begin(latentFrames);
      return pixels;
    } catch (RuntimeException e) {
      close(); // some layers remember this chunk already, others do not
      throw e;
    }
  }

  private void begin(List<TokenGrid> latentFrames) {
    first = first == null ? List.copyOf(latentFrames) : first;
  }

  /** Fails unless this stream can go on with these grids. */
  private void requireNext(List<TokenGrid> latentFrames) {
    if (closed) {
      throw new IllegalStateException("the stream is closed");
    }
    requireOneSize(latentFrames);
    TokenGrid grid = latentFrames.get(0);
    if (first != null
        && (first.size() != latentFrames.size()
            || first.get(0).height() != grid.height()
            || first.get(0).width() != grid.width())) {
      throw EngineFailure.badRequest(
          "the stream began with %d clips of %dx%d tokens a frame: got %d of %dx%d",
          first.size(),
          first.get(0).height(),
          first.get(0).width(),
          latentFrames.size(),
          grid.height(),
          grid.width());
    }
  }

  /** Fails with BAD_REQUEST unless there are grids and all have one size. */
  static void requireOneSize(List<TokenGrid> grids) {
    if (grids.isEmpty()) {
      throw EngineFailure.badRequest("there is nothing to decode: got no token grids");
    }
    TokenGrid first = grids.get(0);
    for (TokenGrid grid : grids) {
      if (grid.time() != first.time()
          || grid.height() != first.height()
          || grid.width() != first.width()) {
        throw EngineFailure.badRequest(
            "token grids of one batch must have one size: got %dx%dx%d and %dx%dx%d",
            first.time(), first.height(), first.width(), grid.time(), grid.height(), grid.width());
      }
    }
  }

  private long[] codes(List<TokenGrid> grids) {
    int size = grids.get(0).codes().length;
    int codebook = description.network().codebookSize();
    long[] codes = new long[grids.size() * size];
    for (int g = 0; g < grids.size(); g++) {
      for (int i = 0; i < size; i++) {
        int code = grids.get(g).codes()[i];
        if (code < 0 || code >= codebook) {
          throw EngineFailure.badRequest(
              "token %d of clip %d is %d: this codebook has codes 0 to %d",
              i, g, code, codebook - 1);
        }
        codes[g * size + i] = code;
      }
    }
    return codes;
  }

  /** Frees what was remembered; closing again does nothing. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      history.close();
    }
  }
}
