package dev.blockreel.nn;

import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;

/**
 * What causal layers remember of a clip that comes in chunks, so that its frames turn out as if the
 * clip had come whole. To the script it is a list of tensors, empty before the first chunk and then
 * one for each layer with a memory, in the order in which those run. The method changes the list in
 * place: whoever holds the list holds one clip's state, of a size that does not grow.
 */
public final class History {
  private final Method method;
  private final Sym list;
  private final Sym first;
  private int layers;

  /**
   * Writes a method that lets several clips, or batches of them, go through {@code single}
   * together. They must all be at their start, or all be past it.
   *
   * @param together its name; its arguments are those of {@code single}, but for a list of
   *     histories in place of one, followed by how many clips each of them has
   * @param single a method {@code (chunks (B,…), history, w)}, whose chunks begin with those of the
   *     first history
   */
  public static void writeTogether(ScriptWriter script, String together, String single) {
    script.method(
        together,
        m -> {
          Sym chunks = m.tensor("chunks");
          Sym histories = m.tensorLists("histories");
          Sym clips = m.integers("clips");
          Sym weights = m.tensors("w");
          Sym streams = m.let("torch.len(" + histories + ")");
          Sym layers = m.let("torch.len(" + histories + "[0])");
          Sym joined = m.let("annotate(List[Tensor], [])");
          m.loop(
              layers,
              layer -> {
                Sym parts = m.let("annotate(List[Tensor], [])");
                m.loop(
                    streams,
                    stream ->
                        m.line(
                            "torch.append(%s, %s[%s][%s])"
                                .formatted(parts, histories, stream, layer)));
                m.line("torch.append(%s, torch.cat(%s, 0))".formatted(joined, parts));
              });
          Sym result = m.call(single, chunks, joined, weights);
          m.loop(
              "torch.len(" + joined + ")",
              layer -> {
                Sym parts =
                    m.let("torch.split_with_sizes(%s[%s], %s)".formatted(joined, layer, clips));
                m.loop(
                    streams,
                    stream -> {
                      Sym own = m.let(histories + "[" + stream + "]");
                      // A clone, since a view would keep all streams' memory alive.
                      Sym part = m.let("torch.clone(%s[%s])".formatted(parts, stream));
                      m.when(
                          layers + " == 0",
                          () -> m.line("torch.append(%s, %s)".formatted(own, part)),
                          () -> m.line("%s[%s] = %s".formatted(own, layer, part)));
                    });
              });
          m.returns(result);
        });
  }

  /** Declares the list as the next argument of {@code method}. */
  public History(Method method, String argument) {
    this.method = method;
    this.list = method.tensors(argument);
    this.first = method.let("torch.len(" + list + ") == 0");
  }

  /**
   * Lets a layer go on where it stopped.
   *
   * @param frames (B,C,count+T,H,W), memory of its own. Its leading {@code count} frames are taken
   *     as they are at the start of a clip; later the last {@code count} of the chunk before
   *     overwrite them
   */
  void goOn(Sym frames, int count) {
    int layer = layers++;
    // A clone, since a view would keep the whole chunk in memory.
    String last = "torch.clone(torch.slice(" + frames + ", 2, " + -count + "))";
    method.when(
        first.toString(),
        () -> method.line("torch.append(" + list + ", " + last + ")"),
        () -> {
          frames.slice(2, 0, count).copyIn(list.item(layer));
          method.line(list + "[" + layer + "] = " + last);
        });
  }

  /** 0 in the first chunk of a clip, {@code count} in every later one. */
  public Sym later(int count) {
    return method.let("0 if " + first + " else " + count);
  }

  /** {@code count} in the first chunk of a clip, 0 in every later one. */
  public Sym atStart(int count) {
    return method.let(count + " if " + first + " else 0");
  }
}
