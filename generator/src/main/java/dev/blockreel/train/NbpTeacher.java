package dev.blockreel.train;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.nn.LoadedNetwork;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.PrefixAttention.Prefix;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.List;

/**
 * A trained model that says, for every token of a clip, how likely it holds each code under
 * classifier-free guidance. Who learns that needs no guidance any more (guidance distillation,
 * arXiv 2210.03142). Holds native memory until closed.
 */
final class NbpTeacher implements AutoCloseable {
  private final LoadedNetwork network;

  private NbpTeacher(LoadedNetwork network) {
    this.network = network;
  }

  /**
   * Loads the model.
   *
   * @param model the teacher
   * @param recipe strengths of guidance
   * @param config sizes of the pupil, which may differ from the teacher's in layers, heads and
   *     width alone
   * @param prefixes as in {@link Nbp#writeFull(ScriptWriter, String, Numerics, List)}
   * @throws EngineFailure BAD_REQUEST when it is no NBP model; CHECKPOINT_MISMATCH when its tokens
   *     are not the pupil's, or its clips shorter
   */
  static NbpTeacher load(
      Predecessor model,
      NbpRecipe.Teacher recipe,
      NbpConfig config,
      List<Prefix> prefixes,
      Numerics numerics) {
    NbpConfig own = NbpGenerator.describe(model.model()).network();
    if (!own.sharesTokensWith(config) || own.contextLength() < config.contextLength()) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "the teacher %s reads other tokens: got %s, expected those of %s"
              .formatted(model.name(), own, config));
    }
    Nbp teacher = new Nbp(own);
    ScriptWriter script = new ScriptWriter("Teacher");
    teacher.writeFull(script, "", numerics, prefixes);
    write(script, config.singleTokens(), recipe);
    try (TensorFile file = model.model().tensors(ModelDirectory.GENERATOR_FILE)) {
      return new NbpTeacher(
          LoadedNetwork.of(script, WeightList.load(teacher.weights(), file, numerics)));
    }
  }

  private static void write(ScriptWriter script, int singles, NbpRecipe.Teacher recipe) {
    script.method(
        "probabilities",
        m -> {
          Sym ids = m.tensor("ids");
          Sym unconditional = m.tensor("unconditional");
          Sym mask = m.tensor("mask");
          Sym last = m.integer("last");
          Sym w = m.tensors("w");
          Sym given = m.call("logits", ids, mask, last, w);
          Sym free = m.call("logits", unconditional, mask, last, w);
          guide(m, given.slice(1, 0, singles), free.slice(1, 0, singles), recipe.singleGuidance());
          guide(m, given.from(1, singles), free.from(1, singles), recipe.guidance());
          m.returns(m.let("torch.softmax(%s, -1)".formatted(given)));
        });
  }

  private static void guide(Method m, Sym given, Sym free, double strength) {
    m.line("torch.add_(%s, torch.sub(%s, %s), alpha=%s)".formatted(given, given, free, strength));
  }

  /**
   * Probabilities (B,L,V) of the last {@code last} tokens.
   *
   * @param ids what the pupil reads, (B,T)
   * @param unconditional the same without the condition
   * @param mask (T,T)
   */
  Tensor probabilities(TensorScope scope, Tensor ids, Tensor unconditional, Tensor mask, int last) {
    return network.call(scope, "probabilities", ids, unconditional, mask, last);
  }

  @Override
  public void close() {
    network.close();
  }
}
