package dev.blockreel.script;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A value inside a {@link Method} that is being written: each operator appends one line of
 * TorchScript and returns the value that the line makes. Nothing is computed in Java. Sizes may be
 * Java ints (known when the script is written) or other {@code Sym}s (known when it runs);
 * dimensions count from 0, negative ones from the end.
 */
public final class Sym {
  private final Method method;
  private final String text;

  Sym(Method method, String text) {
    this.method = method;
    this.text = text;
  }

  /** The TorchScript expression, a variable's name or a literal. */
  @Override
  public String toString() {
    return text;
  }

  private Sym op(String format, Object... values) {
    return method.let(String.format(format, values));
  }

  private static String list(Object... values) {
    return Arrays.stream(values).map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
  }

  // Arithmetic; the other operand is a Sym or a number.

  public Sym add(Object other) {
    return op("%s + %s", this, other);
  }

  public Sym sub(Object other) {
    return op("%s - %s", this, other);
  }

  public Sym mul(Object other) {
    return op("%s * %s", this, other);
  }

  public Sym div(Object other) {
    return op("%s / %s", this, other);
  }

  /** This + first·second, in one pass over memory. */
  public Sym addProduct(Sym first, Sym second) {
    return op("torch.addcmul(%s, %s, %s)", this, first, second);
  }

  public Sym neg() {
    return op("torch.neg(%s)", this);
  }

  public Sym abs() {
    return op("torch.abs(%s)", this);
  }

  public Sym square() {
    return op("torch.mul(%s, %s)", this, this);
  }

  public Sym exp() {
    return op("torch.exp(%s)", this);
  }

  public Sym tanh() {
    return op("torch.tanh(%s)", this);
  }

  public Sym sigmoid() {
    return op("torch.sigmoid(%s)", this);
  }

  /** The same, in this value's own memory. */
  public Sym sigmoidInPlace() {
    return op("torch.sigmoid_(%s)", this);
  }

  /** Multiplies in this value's own memory. */
  public Sym mulInPlace(Object other) {
    return op("torch.mul_(%s, %s)", this, other);
  }

  public Sym silu() {
    return op("torch.silu(%s)", this);
  }

  public Sym relu() {
    return op("torch.relu(%s)", this);
  }

  /** Exact GELU, through the error function. */
  public Sym gelu() {
    return op("torch.gelu(%s)", this);
  }

  /** GELU through the hyperbolic tangent. */
  public Sym geluTanh() {
    // tanh as a sigmoid; archives of our version do not know torch.gelu's "approximate".
    return mul(mul(square().mul(0.044715).add(1)).mul(1.5957691216057308).sigmoid());
  }

  /** The same in one pass, written over this tensor; has no gradient. */
  public Sym geluTanhInPlace() {
    return op("torch.gelu_(%s, approximate=\"tanh\")", this);
  }

  /** Rounds halves to even. */
  public Sym round() {
    return op("torch.round(%s)", this);
  }

  public Sym floorDivide(Object other) {
    return op("torch.floor_divide(%s, %s)", this, other);
  }

  /** Whole-number division of an integer, as sizes are. */
  public Sym floorDiv(int divisor) {
    return op("torch.floordiv(%s, %s)", this, divisor);
  }

  public Sym remainder(Object other) {
    return op("torch.remainder(%s, %s)", this, other);
  }

  public Sym clamp(double low, double high) {
    return op("torch.clamp(%s, %s, %s)", this, low, high);
  }

  // Reductions.

  public Sym mean() {
    return op("torch.mean(%s)", this);
  }

  /** Mean over some dimensions, which disappear. */
  public Sym mean(Object... dimensions) {
    return op("torch.mean(%s, %s)", this, list(dimensions));
  }

  public Sym sum() {
    return op("torch.sum(%s)", this);
  }

  public Sym sum(int dimension) {
    return op("torch.sum(%s, [%s])", this, dimension);
  }

  public Sym argmax(int dimension) {
    return op("torch.argmax(%s, %s)", this, dimension);
  }

  public Sym softmax(int dimension) {
    return op("torch.softmax(%s, %s)", this, dimension);
  }

  // Shape.

  public Sym view(Object... sizes) {
    return op("%s.view(%s)", this, list(sizes));
  }

  public Sym reshape(Object... sizes) {
    return op("torch.reshape(%s, %s)", this, list(sizes));
  }

  public Sym permute(Object... order) {
    return op("torch.permute(%s, %s)", this, list(order));
  }

  /** Dimensions {@code first} to {@code last} become one. */
  public Sym flatten(int first, int last) {
    return op("torch.flatten(%s, %s, %s)", this, first, last);
  }

  public Sym transpose(int first, int second) {
    return op("torch.transpose(%s, %s, %s)", this, first, second);
  }

  public Sym unsqueeze(int dimension) {
    return op("torch.unsqueeze(%s, %s)", this, dimension);
  }

  public Sym expand(Object... sizes) {
    return op("%s.expand(%s)", this, list(sizes));
  }

  /** Elements {@code from} (inclusive) to {@code to} (exclusive) of a dimension, a view. */
  public Sym slice(int dimension, Object from, Object to) {
    return op("torch.slice(%s, %s, %s, %s)", this, dimension, from, to);
  }

  /** Everything from {@code from} on, a view. */
  public Sym from(int dimension, Object from) {
    return op("torch.slice(%s, %s, %s)", this, dimension, from);
  }

  /** Element {@code index} of a dimension, which disappears; a view. */
  public Sym select(int dimension, Object index) {
    return op("torch.select(%s, %s, %s)", this, dimension, index);
  }

  /** The elements of a dimension that an integer tensor (R) names, a copy. */
  public Sym indexSelect(int dimension, Sym indices) {
    return op("torch.index_select(%s, %s, %s)", this, dimension, indices);
  }

  /** Item {@code index} of a list. */
  public Sym item(Object index) {
    return op("%s[%s]", this, index);
  }

  /** Items {@code from} (inclusive) to {@code to} (exclusive) of a list. */
  public Sym items(Object from, Object to) {
    return op("%s[%s:%s]", this, from, to);
  }

  /** Size of a dimension, an integer. */
  public Sym size(int dimension) {
    return op("torch.size(%s, %s)", this, dimension);
  }

  public Sym contiguous() {
    return op("%s.contiguous()", this);
  }

  /**
   * Lays a (B,C,T,H,W) tensor out with the channels innermost, which oneDNN's convolutions like
   * best.
   */
  public Sym channelsLast3d() {
    return op("%s.contiguous(memory_format=3)", this);
  }

  /** The same for (B,C,H,W). */
  public Sym channelsLast2d() {
    return op("%s.contiguous(memory_format=2)", this);
  }

  // Formats.

  public Sym to(Dtype dtype) {
    return op("%s.to(%s)", this, dtype.number());
  }

  /** Same values, cut off from the gradient. */
  public Sym detach() {
    return op("torch.detach(%s)", this);
  }

  // Layers' work.

  /** x·weightᵀ + bias over the last dimension; {@code bias} may be null. */
  public Sym linear(Sym weight, Sym bias) {
    return op("torch.linear(%s, %s, %s)", this, weight, bias == null ? "None" : bias);
  }

  /** Rows of this table, (V,D), by index. */
  public Sym embedding(Sym indices) {
    return op("torch.embedding(%s, %s)", this, indices);
  }

  /** 3-D convolution without padding over (B,C,T,H,W); {@code bias} may be null. */
  public Sym conv3d(Sym weight, Sym bias, int strideT, int strideH, int strideW) {
    return op(
        "torch.conv3d(%s, %s, %s, [%s, %s, %s])",
        this, weight, bias == null ? "None" : bias, strideT, strideH, strideW);
  }

  /** This kernel, (out,in,…), packed by oneDNN; those of images need their channels innermost. */
  public Sym packedKernel(int dimensions) {
    List<Integer> ones = Collections.nCopies(dimensions, 1);
    return op(
        "ops.mkldnn._reorder_convolution_weight(%s, %s, %s, %s, 1, None)",
        this, Collections.nCopies(dimensions, 0), ones, ones);
  }

  /**
   * Convolution without padding over (B,C,…), channels innermost.
   *
   * @param weight what {@link #packedKernel} gave
   * @param bias (out), or null
   * @param strides one for each dimension behind the channels
   */
  public Sym packedConvolution(Sym weight, Sym bias, Integer... strides) {
    return op(
        "ops.mkldnn._convolution_pointwise(%s, %s, %s, %s, %s, %s, 1, \"none\","
            + " annotate(List[Optional[number]], []), \"\")",
        this,
        weight,
        bias == null ? "None" : bias,
        Collections.nCopies(strides.length, 0),
        List.of(strides),
        Collections.nCopies(strides.length, 1));
  }

  /**
   * {@link #conv3d} with zeros around it; strides and zeros on each side are given for time, height
   * and width.
   */
  public Sym conv3d(Sym weight, Sym bias, List<Integer> strides, List<Integer> zeros) {
    return op("torch.conv3d(%s, %s, %s, %s, %s)", this, weight, bias, strides, zeros);
  }

  /**
   * Repeats the border values outwards over (B,C,T,H,W): left, right, top, bottom, before, after.
   */
  public Sym replicationPad3d(int left, int right, int top, Object bottom, int before, int after) {
    return op(
        "torch.replication_pad3d(%s, [%s, %s, %s, %s, %s, %s])",
        this, left, right, top, bottom, before, after);
  }

  /** 2-D convolution over (B,C,H,W) with a border of zeros; {@code bias} may be null. */
  public Sym conv2d(Sym weight, Sym bias, int stride, int border) {
    return op(
        "torch.conv2d(%s, %s, %s, [%s, %s], [%s, %s])",
        this, weight, bias == null ? "None" : bias, stride, stride, border, border);
  }

  /**
   * Convolution of (B,C,…) with kernels of a single place, (out,C,1,…), which is a linear layer of
   * the channels.
   */
  public Sym convPlaces(Sym weight, Sym bias) {
    return op(
        "torch.movedim(torch.linear(torch.movedim(%s, 1, -1), torch.flatten(%s, 1), %s), -1, 1)",
        this, weight, bias);
  }

  /** Adds zeros around (B,C,H,W): left, right, top, bottom. */
  public Sym zeroPad2d(int left, int right, int top, int bottom) {
    return op("torch.constant_pad_nd(%s, [%s, %s, %s, %s])", this, left, right, top, bottom);
  }

  /** Every pixel of (B,C,H,W) becomes a square of {@code factor} x {@code factor}. */
  public Sym enlarge2d(int factor) {
    return op("torch.upsample_nearest2d(%s, None, [%s, %s])", this, factor + ".0", factor + ".0");
  }

  /** Enlarges (B,C,H,W) smoothly, by cubic curves through the pixels. */
  public Sym bicubic2d(Object height, Object width) {
    return op("torch.upsample_bicubic2d(%s, [%s, %s], False, None)", this, height, width);
  }

  /** Shrinks (B,C,H,W) to means over areas that may overlap. */
  public Sym areaPool2d(Object height, Object width) {
    return op("torch.adaptive_avg_pool2d(%s, [%s, %s])", this, height, width);
  }

  public Sym groupNorm(int groups, Sym weight, Sym bias, double epsilon) {
    return op("torch.group_norm(%s, %s, %s, %s, %s)", this, groups, weight, bias, epsilon);
  }

  /** Both {@code weight} and {@code bias} may be null. */
  public Sym layerNorm(int width, Sym weight, Sym bias, double epsilon) {
    return op(
        "torch.layer_norm(%s, [%s], %s, %s, %s)",
        this, width, weight == null ? "None" : weight, bias == null ? "None" : bias, epsilon);
  }

  /** Vectors of the last dimension made as long as 1. */
  public Sym unit() {
    return op("%s / torch.clamp_min(torch.norm(%s, 2, [-1], True), 1e-12)", this, this);
  }

  /**
   * Fused softmax attention of these queries (B,H,N,d).
   *
   * @param mask (N,M) of booleans, true where a query may look, or null for everywhere
   * @param scale what products of queries and keys are multiplied with
   */
  public Sym attention(Sym keys, Sym values, Sym mask, double scale) {
    return op(
        "torch.scaled_dot_product_attention(%s, %s, %s, %s, 0., False, scale=%s)",
        this, keys, values, mask == null ? "None" : mask, scale);
  }

  /** Mean cross-entropy of these logits (N,V) against class numbers (N). */
  public Sym crossEntropy(Sym targets) {
    return op("torch.cross_entropy_loss(%s, %s)", this, targets);
  }

  /** Memory of this one's format and device for a tensor of these sizes, its values unknown. */
  public Sym newEmpty(Object... sizes) {
    return op("torch.new_empty(%s, %s)", this, list(sizes));
  }

  /** Writes the sum into the memory of {@code target}. */
  public void addInto(Sym other, Sym target) {
    method.line("torch.add(%s, %s, alpha=1, out=%s)".formatted(this, other, target));
  }

  /** Writes the difference into the memory of {@code target}. */
  public void subInto(Sym other, Sym target) {
    method.line("torch.sub(%s, %s, alpha=1, out=%s)".formatted(this, other, target));
  }

  /** Writes {@code source} into this tensor's own memory. */
  public void copyIn(Sym source) {
    method.line("torch.copy_(" + this + ", " + source + ")");
  }
}
