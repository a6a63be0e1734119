package dev.blockreel.nn;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.Quoted;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TensorInfo;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A model's weights on the device, prepared as its {@link Numerics} want them, in the order of its
 * {@link Weight}s, and behind them the kernels of {@link PairedRows}; where it computes in several
 * ways, once for each, one after the other.
 */
public final class WeightList implements AutoCloseable {
  // As in a block of the paper; packing for 1, 64 or 512 rows made no step faster.
  private static final int PACKED_FOR_ROWS = 16;

  private static final int MOST_NAMED = 20;

  /** A prime, so that the rows of a matrix begin at different places. */
  private static final int PERIOD = 262_147;

  private final TensorScope scope;
  private final TensorList list;

  private WeightList(TensorScope scope, TensorList list) {
    this.scope = scope;
    this.list = list;
  }

  /**
   * Loads every weight, strictly: each must be there in the right shape, and nothing else may be.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH with one line that lists all missing, unexpected and
   *     mis-shaped tensors
   */
  public static WeightList load(List<Weight> weights, TensorFile file, Numerics... numerics) {
    requireFit(weights, file);
    try (MappedBfloat16 mapped = MappedBfloat16.of(file)) {
      Source source =
          (scope, weight) ->
              mapped.holds(weight.name()) ? mapped.read(scope, weight) : read(scope, file, weight);
      return prepare(weights, List.of(numerics), kind -> source);
    }
  }

  /** Weights as training starts them; the same seed gives the same weights. */
  public static WeightList random(List<Weight> weights, long seed, Numerics numerics) {
    SplittableRandom seeds = new SplittableRandom(seed);
    Source source =
        (scope, weight) -> {
          SplittableRandom random = seeds.split();
          float[] values = new float[Math.toIntExact(weight.elements())];
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) weight.init().next(random);
          }
          return scope.floats(values, weight.shape());
        };
    return prepare(weights, List.of(numerics), kind -> source);
  }

  /**
   * Stand-ins for weights that are not there, to measure a large model without its files: each
   * tensor is drawn as {@link #random} draws it, but its values repeat after {@value #PERIOD}, so
   * that filling it is no slower than writing it. The same seed gives the same weights.
   */
  public static WeightList standIn(List<Weight> weights, long seed, Numerics... numerics) {
    try (Script script = preparation(numerics[0]).compile()) {
      return prepare(weights, List.of(numerics), kind -> repeated(script, seed, kind));
    }
  }

  private static Source repeated(Script script, long seed, Numerics numerics) {
    SplittableRandom seeds = new SplittableRandom(seed);
    return (scope, weight) -> {
      SplittableRandom random = seeds.split();
      float[] values = new float[(int) Math.min(weight.elements(), PERIOD)];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) weight.init().next(random);
      }
      try (TensorScope own = TensorScope.open()) {
        Tensor period = own.floats(values, values.length);
        int dtype = numerics.compute().number();
        return script
            .call(own, "repeated", period, weight.elements(), weight.shape(), dtype)
            .moveTo(scope);
      }
    };
  }

  /** The list that scripts take. */
  public TensorList list() {
    return list;
  }

  /**
   * Checks without loading what {@link #load} demands.
   *
   * @throws EngineFailure as {@link #load}
   */
  public static void requireFit(List<Weight> weights, TensorFile file) {
    List<String> missing = new ArrayList<>();
    List<String> mismatched = new ArrayList<>();
    Set<String> unexpected = new LinkedHashSet<>(file.names());
    for (Weight weight : weights) {
      if (!unexpected.remove(weight.name())) {
        missing.add(weight.name());
        continue;
      }
      TensorInfo info = file.info(weight.name());
      if (!Arrays.equals(info.shape(), weight.shape())) {
        mismatched.add(
            "%s is %s instead of %s"
                .formatted(
                    weight.name(),
                    Quoted.shortened(Arrays.toString(info.shape())),
                    Arrays.toString(weight.shape())));
      }
    }
    if (!missing.isEmpty() || !unexpected.isEmpty() || !mismatched.isEmpty()) {
      List<String> parts = new ArrayList<>();
      if (!missing.isEmpty()) {
        parts.add(missing.size() + " missing: " + join(missing));
      }
      if (!unexpected.isEmpty()) {
        parts.add(unexpected.size() + " unexpected: " + join(unexpected));
      }
      if (!mismatched.isEmpty()) {
        parts.add(mismatched.size() + " of another shape: " + join(mismatched));
      }
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          file.path() + " does not fit the model; " + String.join("; ", parts));
    }
  }

  private static String join(java.util.Collection<String> names) {
    String head =
        names.stream().limit(MOST_NAMED).map(Quoted::shortened).collect(Collectors.joining(", "));
    int more = names.size() - MOST_NAMED;
    return more > 0 ? head + " and %d more".formatted(more) : head;
  }

  private static Tensor read(TensorScope scope, TensorFile file, Weight weight) {
    ElementType type = file.info(weight.name()).type();
    return switch (type) {
      case F32 -> scope.floatBytes(file.bytes(weight.name()), Dtype.FLOAT32, weight.shape());
      case F16 -> scope.floatBytes(file.bytes(weight.name()), Dtype.FLOAT16, weight.shape());
      // The JNI library aborts on bf16, so those that no map holds are widened first.
      case BF16, F64 -> scope.floats(file.floats(weight.name()), weight.shape());
      default ->
          throw new EngineFailure(
              FailureCode.CHECKPOINT_MISMATCH,
              "%s: tensor %s holds %s where floating-point weights are expected"
                  .formatted(file.path(), weight.name(), type));
    };
  }

  @FunctionalInterface
  private interface Source {
    Tensor read(TensorScope scope, Weight weight);
  }

  private static WeightList prepare(
      List<Weight> weights, List<Numerics> kinds, Function<Numerics, Source> sources) {
    TensorScope kept = TensorScope.open();
    try {
      List<Tensor> all = new ArrayList<>();
      for (Numerics numerics : kinds) {
        all.addAll(prepare(kept, weights, numerics, sources.apply(numerics)));
      }
      return new WeightList(kept, new TensorList(all));
    } catch (RuntimeException e) {
      kept.close();
      throw e;
    }
  }

  private static List<Tensor> prepare(
      TensorScope kept, List<Weight> weights, Numerics numerics, Source source) {
    try (Script script = preparation(numerics).compile()) {
      Tensor[] tensors = new Tensor[weights.size()];
      List<Tensor> behind = new ArrayList<>();
      for (int i = 0; i < tensors.length; i++) {
        if (tensors[i] != null) {
          continue; // stacked already
        }
        Weight weight = weights.get(i);
        try (TensorScope step = TensorScope.open()) {
          Tensor tensor = source.read(step, weight);
          if (numerics.castWeights()) {
            tensors[i] = trainable(script, step, tensor, weight.role()).moveTo(kept);
            continue;
          }
          if (numerics.pairsRows(weight)) {
            for (Tensor kernel : script.callForList(step, "pairRows", tensor)) {
              behind.add(kernel.moveTo(kept));
            }
            tensors[i] = kept.zeros(0); // lies behind all others, as PairedRows.place says
            continue;
          }
          List<Tensor> rows = new ArrayList<>(List.of(tensor));
          for (int j = i + 1; numerics.stacked() && j < tensors.length; j++) {
            if (weights.get(j).leader() == i) {
              rows.add(source.read(step, weights.get(j)));
              tensors[j] = kept.zeros(0); // lies within its leader
            }
          }
          try (TensorList list = new TensorList(rows)) {
            tensors[i] =
                script
                    .call(
                        step,
                        "prepare",
                        list,
                        numerics.compute().number(),
                        layout(weight, numerics))
                    .moveTo(kept);
          }
        }
      }
      return Stream.concat(Arrays.stream(tensors), behind.stream()).toList();
    }
  }

  /**
   * Only what is made by a training call can receive gradients: libtorch marks what inference
   * makes.
   */
  private static Tensor trainable(
      Script script, TensorScope step, Tensor tensor, Weight.Role role) {
    String method =
        !role.isConvolution()
            ? "trainable"
            : tensor.shape().length == 4 ? "trainableKernel2d" : "trainableKernel3d";
    try (TensorList single = new TensorList(List.of(tensor))) {
      return script.train(step, method, List.of(), single).requireGradient();
    }
  }

  private static int layout(Weight weight, Numerics numerics) {
    return switch (weight.role()) {
      case LINEAR, HEAD ->
          switch (numerics.products()) {
            case PLAIN -> 0;
            case PACKED -> 1;
            case HALVES -> 5;
          };
      // 2 for (out,in,h,w), 3 for (out,in,t,h,w), as the numbers of memory formats; 4 for packed.
      case CONVOLUTION, STRIDED_CONVOLUTION ->
          numerics.packs(weight) ? 4 : weight.shape().length - 2;
      case TABLE, VECTOR -> 0;
    };
  }

  // Every method copies: what Java hands over may share memory with a buffer that Java frees.
  // Packing is named only where it is used: a libtorch without it knows no such operator.
  private static ScriptWriter preparation(Numerics numerics) {
    boolean packs = numerics.packedProducts() || numerics.packedKernels();
    ScriptWriter script = new ScriptWriter("Preparation");
    if (numerics.packedKernels()) {
      script.method(
          "pairRows",
          m ->
              m.returnsAll(
                  PairedRows.kernels(m.tensor("kernel")).stream()
                      .map(kernel -> kernel.to(numerics.compute()).channelsLast2d().packedKernel(2))
                      .toArray(Sym[]::new)));
    }
    return script
        .method("trainable", m -> m.returns(m.let("torch.clone(" + m.tensors("state") + "[0])")))
        .method(
            "trainableKernel2d",
            m -> m.returns(m.let("torch.clone(" + m.tensors("state") + "[0], memory_format=2)")))
        .method(
            "trainableKernel3d",
            m -> m.returns(m.let("torch.clone(" + m.tensors("state") + "[0], memory_format=3)")))
        .method(
            "prepare",
            m -> {
              var parts = m.tensors("parts");
              var dtype = m.integer("dtype");
              var layout = m.integer("layout");
              // Cast before they are joined: wider copies of all parts would be the largest of all.
              var joined = "torch.cat([p.to(%s) for p in %s], 0)".formatted(dtype, parts);
              // What stands alone need not be copied before it is packed, which copies as well.
              var alone = "torch.len(%s) == 1 and %s in [1, 4, 5]".formatted(parts, layout);
              var y = m.let("%s[0].to(%s) if %s else %s".formatted(parts, dtype, alone, joined));
              if (packs) {
                m.when(
                    layout + " == 1",
                    () ->
                        m.line(
                            "%s = ops.mkldnn._reorder_linear_weight(%s, %s)"
                                .formatted(y, y, PACKED_FOR_ROWS)));
                m.when(layout + " == 4", () -> m.assign(y, y.packedKernel(3)));
              }
              if (numerics.products() == Numerics.Products.HALVES) {
                m.when(
                    layout + " == 5",
                    () -> m.line(y + " = torch.fbgemm_pack_gemm_matrix_fp16(" + y + ")"));
              }
              m.when(layout + " == 2", () -> m.assign(y, y.channelsLast2d()));
              m.when(layout + " == 3", () -> m.assign(y, y.channelsLast3d()));
              m.returns(y);
            })
        .method(
            "repeated",
            m -> {
              var period = m.tensor("period");
              var elements = m.integer("elements");
              var shape = m.integers("shape");
              var dtype = m.integer("dtype");
              var times =
                  m.let("torch.floordiv(%s, max(1, %s)) + 1".formatted(elements, period.size(0)));
              var values =
                  m.let(
                      "torch.repeat(%s, [%s])"
                          .formatted(m.let("%s.to(%s)".formatted(period, dtype)), times));
              m.returns(
                  m.let("torch.reshape(%s, %s)".formatted(values.slice(0, 0, elements), shape)));
            });
  }

  @Override
  public void close() {
    list.close();
    scope.close();
  }
}
