package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TorchFileTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"", "state_dict", "model_state_dict", "model", "module"})
  void theTensorsOfANetworkAreFoundWhereToolsKeepThem(String name) throws IOException {
    Pickle pickle = new Pickle().op("}");
    if (!name.isEmpty()) {
      pickle.text("epoch").number(3).op("s").text(name).op("}");
    }
    pickle.text("weight").tensor("0", 6, 0, new long[] {6}, new long[] {1}).op("s");
    pickle.op(name.isEmpty() ? "." : "s.");
    Path path =
        Files.write(folder.resolve("s.pt"), ZipBytes.checkpoint(pickle.bytes(), new byte[24]));
    try (TensorFile tensors = TorchFile.openState(path)) {
      assertThat(tensors.names()).containsExactly("weight");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "zip-2.pt",
        "zip-3.pt",
        "zip-4.pt",
        "zip-5.pt",
        "legacy-2.pt",
        "legacy-3.pt",
        "legacy-4.pt",
        "legacy-5.pt"
      })
  void whatPytorchWroteIsRead(String name) throws IOException {
    try (TorchFile file = TorchFile.read(resource(name))) {
      TensorFile tensors = file.tensors("model_state_dict");
      assertThat(tensors.names()).hasSize(18).startsWith("plain", "transposed", "slice");
      assertThat(tensors.floats("plain")).hasSize(24).startsWith(0, 1, 2).endsWith(22, 23);
      assertThat(tensors.info("transposed").shape()).containsExactly(6, 4);
      assertThat(tensors.floats("transposed")).startsWith(0, 6, 12, 18, 1, 7).endsWith(17, 23);
      assertThat(tensors.floats("slice")).containsExactly(8, 9, 10, 14, 15, 16);
      assertThat(tensors.floats("expanded")).containsExactly(1, 1, 1, 2, 2, 2);
      assertThat(tensors.info("scalar").shape()).isEmpty();
      assertThat(tensors.floats("scalar")).containsExactly(3.5f);
      assertThat(tensors.info("empty").shape()).containsExactly(0, 64);
      assertThat(tensors.floats("empty")).isEmpty();
      assertThat(tensors.floats("parameter")).containsExactly(1, 2, 3, 4);
      assertThat(tensors.floats("tied")).containsExactly(1, 2, 3, 4);
      for (ElementType type : ElementType.values()) {
        assertThat(tensors.info(type.name()).type()).isEqualTo(type);
        if (type.isFloat()) {
          assertThat(tensors.floats(type.name())).containsExactly(1, 2, -3);
        }
      }
      for (String integers : List.of("I64", "I32", "I16", "I8")) {
        assertThat(tensors.integers(integers)).containsExactly(1, 2, -3);
      }
      assertThat(tensors.integers("U8")).containsExactly(1, 2, 253);
      assertThat(tensors.integers("BOOL")).containsExactly(1, 0, 1);

      Map<?, ?> root = (Map<?, ?>) file.root();
      assertThat(root.get("epoch")).isEqualTo(3L);
      assertThat(root.get("big")).isEqualTo(BigInteger.ONE.shiftLeft(70));
      assertThat(root.get("config")).isInstanceOf(byte[].class);
      assertThat(root.get("size")).isEqualTo(List.of(1L, 2L));
      assertThat(root.get("set")).isEqualTo(List.of(7L));
      assertThat(root.get("counts")).isEqualTo(Map.of("a", List.of(1L)));
      Opaque args = (Opaque) root.get("args");
      assertThat(args.className()).isEqualTo("argparse.Namespace");
      assertThat(args.state())
          .containsEntry("lr", 0.5)
          .containsEntry("layers", List.of(1L, 2L))
          .containsEntry("name", "tiny")
          .containsEntry("missing", null);
      assertThat(new ArrayList<Object>(root.values())).contains("key is a tuple");
    }
  }

  @Test
  void partsOfStridedTensorsAreGathered() throws IOException {
    try (TorchFile file = TorchFile.read(resource("zip-2.pt"))) {
      ByteBuffer part = file.tensors("model_state_dict").bytes("transposed", 5, 4);
      assertThat(part.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
      assertThat(part.isDirect()).isTrue();
      assertThat(part.remaining()).isEqualTo(16);
      float[] values = new float[4];
      part.asFloatBuffer().get(values);
      assertThat(values).containsExactly(7, 13, 19, 2);
    }
  }

  @Test
  void aFlatFileOpensAtOnce() throws IOException {
    byte[] pickle =
        new Pickle()
            .op("}(")
            .text("w")
            .tensor("0", 6, 1, new long[] {2, 2}, new long[] {2, 1})
            .text("note")
            .text("no tensor")
            .op("u.")
            .bytes();
    ByteBuffer storage = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    storage.asFloatBuffer().put(new float[] {0, 1, 2, 3, 4, 5});
    Path path = write(ZipBytes.checkpoint(pickle, storage.array()));
    try (TensorFile file = TorchFile.open(path)) {
      assertThat(file.names()).containsExactly("w");
      assertThat(file.floats("w")).containsExactly(1, 2, 3, 4);
      assertThat(file.metadata()).isEmpty();
      assertThat(file.path()).isEqualTo(path);
      assertThatThrownBy(() -> file.info("v")).hasMessageContaining("has no tensor \"v\"");
    }
  }

  @Test
  void aWrongWayThroughTheTreeNamesWhatIsThere() throws IOException {
    try (TorchFile file = TorchFile.read(resource("zip-2.pt"))) {
      assertMismatch(
          () -> file.tensors("model"), "\"model\" is not there; found \"model_state_dict\"");
      assertMismatch(() -> file.tensors(), "its root has no tensors; found \"model_state_dict\"");
      assertMismatch(() -> file.tensors("epoch"), "\"epoch\" is no dictionary");
      assertMismatch(() -> file.tensors("args", "x"), "\"args.x\" is not there; found \"lr\"");
    }
  }

  @Test
  void everyInstructionOfProtocolZeroAndOneIsUnderstood() throws IOException {
    Object root =
        unpickle(
            "(I5\nI01\nI00\nL-12L\nF1.5\nFinf\nS'it\\'s \\x41\\101\\n'\nVs\\u00fc\\U0001F600\n"
                + "(lp0\nI1\nag0\n(dp1\nS'k'\nNs(tU\u0003abcNl.");
    assertThat(new ArrayList<Object>((List<?>) root))
        .hasSize(14)
        .startsWith(
            5L, true, false, -12L, 1.5, Double.POSITIVE_INFINITY, "it's AA\n", "sü😀", List.of(1L))
        .contains(List.of(1L), "abc");
  }

  @Test
  void oldPickledObjectsBecomePlaceholders() throws IOException {
    Object inst = unpickle("(S'x'\nimodels\nNet\n(dS'lr'\nF0.5\nsb.");
    assertThat(((Opaque) inst).className()).isEqualTo("models.Net");
    assertThat(((Opaque) inst).arguments()).isEqualTo(List.of("x"));
    assertThat(((Opaque) inst).state()).isEqualTo(Map.of("lr", 0.5));
    Object obj = unpickle("(cmodels\nNet\nI1\no.");
    assertThat(((Opaque) obj).arguments()).isEqualTo(List.of(1L));
    Object py2 = unpickle("ccopy_reg\n_reconstructor\n(cmodels\nNet\nc__builtin__\nobject\nNtR.");
    assertThat(((Opaque) py2).className()).isEqualTo("models.Net");
    Object dictionary = unpickle("ccollections\nOrderedDict\n((lp0\n(S'a'\nI1\nlatR.");
    assertThat(dictionary).isEqualTo(Map.of("a", 1L));
  }

  @Test
  void queuesAndRangesOfPythonAreRead() throws IOException {
    Object queue = unpickle("ccollections\ndeque\n()I9\ntR(I1\nI2\ne.");
    assertThat(queue).isEqualTo(List.of(1L, 2L));
    Object range = unpickle("c__builtin__\nxrange\n(I0\nI3\nI1\ntR.");
    assertThat(((Opaque) range).arguments()).isEqualTo(List.of(0L, 3L, 1L));
  }

  @Test
  void numbersOfNumpyAreNumbers() throws IOException {
    String dtype = "cnumpy\ndtype\n(S'%s'\nI0\nI1\ntR(I3\nS'%s'\nNNNI-1\nI-1\nI0\ntb";
    String bytes = "c_codecs\nencode\n(V%s\nVlatin1\ntR";
    String scalar = "cnumpy.core.multiarray\nscalar\n(" + dtype + bytes + "tR.";
    String newer = scalar.replace("numpy.core", "numpy._core");
    String little = "\\u0010\\u0002" + "\\u0000".repeat(6);
    assertThat(unpickle(scalar.formatted("i8", "<", little))).isEqualTo(528L);
    assertThat(unpickle(newer.formatted("i8", "<", little))).isEqualTo(528L);
    assertThat(unpickle(newer.formatted("i2", ">", "\\u00ff\\u00fe"))).isEqualTo(-2L);
    assertThat(unpickle(newer.formatted("f4", "<", "\\u0000\\u0000\\u0000\\u003f"))).isEqualTo(0.5);
    assertThat(unpickle(newer.formatted("b1", "|", "\\u0001"))).isEqualTo(true);
    assertThat(unpickle(newer.formatted("U1", "<", "\\u0041\\u0000\\u0000\\u0000")))
        .isInstanceOf(Opaque.class);
    assertMismatch(
        () -> unpickle(newer.formatted("i8", "<", "\\u0001")),
        "a number of its pickle has but 1 bytes");
  }

  @Test
  void otherFilesAreRefusedInOneLine() throws IOException {
    assertMismatch(() -> TorchFile.read(write(new byte[0])), "it is empty");
    assertMismatch(
        () -> TorchFile.read(write("epoch,loss\n1,0.5\n".getBytes(UTF_8))),
        "is not a whole PyTorch checkpoint: it begins with \"epoch,loss?1,0.5\"");
    assertMismatch(
        () -> TorchFile.read(write(new ZipBytes().add("word/document.xml", new byte[3]).bytes())),
        "expected one NAME/data.pkl in the zip file, it has 0; found \"word/document.xml\"");
    assertMismatch(
        () -> TorchFile.read(write(new Pickle().raw(0x80, 2).op("}.").bytes())),
        "it is a pickle of something else");
    Path safetensors = folder.resolve("x.safetensors");
    SafetensorsWriter.to(safetensors).write();
    assertMismatch(() -> TorchFile.read(safetensors), "it looks like a safetensors file");
    assertThatThrownBy(() -> TorchFile.read(folder.resolve("none.pt")))
        .hasMessage("cannot read %s: no such file or directory", folder.resolve("none.pt"))
        .extracting("code")
        .isEqualTo(FailureCode.MEDIA);
    assertThatThrownBy(() -> TorchFile.read(resource("script.pt")))
        .hasMessageContaining("is a TorchScript program, not a checkpoint")
        .extracting("code")
        .isEqualTo(FailureCode.UNSUPPORTED);
    byte[] bigEndian =
        new ZipBytes()
            .add("a/data.pkl", new Pickle().op("}.").bytes())
            .add("a/byteorder", "big".getBytes(UTF_8))
            .bytes();
    assertThatThrownBy(() -> TorchFile.read(write(bigEndian)))
        .hasMessageContaining("has byte order \"big\", expected little");
  }

  @ParameterizedTest
  @CsvSource({"zip-2.pt", "legacy-2.pt", "zip-4.pt", "legacy-4.pt"})
  void everyTruncationIsRefusedInOneLine(String name) throws IOException {
    byte[] whole = Files.readAllBytes(resource(name));
    for (int length = 0; length < whole.length; length += 61) {
      Path path = write(Arrays.copyOf(whole, length));
      assertMismatch(() -> TorchFile.read(path), "is not a whole PyTorch checkpoint: ");
    }
    assertMismatch(() -> TorchFile.read(write(Arrays.copyOf(whole, whole.length - 1))), "cut off");
  }

  @Test
  void aMissingOrShortStorageIsNamed() throws IOException {
    byte[] pickle =
        new Pickle()
            .op("}")
            .text("w")
            .tensor("0", 6, 0, new long[] {6}, new long[] {1})
            .op("s.")
            .bytes();
    assertMismatch(
        () -> TorchFile.read(write(new ZipBytes().add("a/data.pkl", pickle).bytes())),
        "its storage \"0\" is missing");
    assertMismatch(
        () -> TorchFile.read(write(ZipBytes.checkpoint(pickle, new byte[23]))),
        "its storage \"0\" should have 24 bytes, it has 23");
  }

  private Object unpickle(String pickle) throws IOException {
    byte[] bytes = new Pickle().op(pickle).bytes();
    try (TorchFile file = TorchFile.read(write(ZipBytes.checkpoint(bytes, new byte[0])))) {
      return file.root();
    }
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("checkpoint.pt"), bytes);
  }

  private Path resource(String name) throws IOException {
    Path path = folder.resolve(name);
    try (InputStream in = TorchFileTest.class.getResourceAsStream("/torch/" + name)) {
      Files.copy(in, path);
    }
    return path;
  }

  private static void assertMismatch(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String part) {
    assertThatThrownBy(call)
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining(part)
        .hasMessageNotContaining("\n")
        .extracting("code")
        .isEqualTo(FailureCode.CHECKPOINT_MISMATCH);
  }
}
