package dev.blockreel.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints made to harm their reader. */
class UnsafeCheckpointTest {
  @TempDir Path folder;

  @Test
  void noCommandIsRun() throws IOException {
    Path touched = folder.resolve("touched");
    String command = "touch " + touched;
    Pickle[] attacks = {
      new Pickle().global("os", "system").text(command).raw(0x85).op("R."),
      new Pickle().raw(0x80, 4).stackGlobal("posix", "system").text(command).raw(0x85).op("R."),
      new Pickle().global("nt", "system").text(command).raw(0x85).op("R."),
      new Pickle().op("(").text(command).op("ios\nsystem\n."),
      new Pickle().op("(").global("os", "system").text(command).op("o."),
      new Pickle().global("subprocess", "Popen").text(command).raw(0x85).op("R."),
      new Pickle().global("subprocess", "Popen").text(command).raw(0x85, 0x81).op("."),
      new Pickle().global("builtins", "eval").text("open('x')").raw(0x85).op("R."),
      new Pickle().global("__builtin__", "eval").text("open('x')").raw(0x85).op("R."),
      // Within the arguments and the state of objects that are otherwise let pass
      new Pickle()
          .global("models", "Net")
          .global("os", "system")
          .text(command)
          .raw(0x85)
          .op("R")
          .raw(0x85)
          .op("R."),
      new Pickle()
          .global("argparse", "Namespace")
          .op(")")
          .raw(0x81)
          .op("}")
          .text("a")
          .global("os", "system")
          .text(command)
          .raw(0x85)
          .op("Rsb."),
      // In a value that is dropped again
      new Pickle().global("os", "system").text(command).raw(0x85).op("R0N."),
    };
    for (Pickle attack : attacks) {
      assertUnsafe(attack, "its pickle names ");
      byte[] legacy = attack.bytes();
      if (legacy[0] == (byte) 0x80) {
        assertUnsafe(Files.write(folder.resolve("legacy.pt"), legacy), "posix.system");
      }
    }
    assertThat(touched).doesNotExist();
  }

  @Test
  void theMessageNamesTheClassAndTheFile() throws IOException {
    Pickle attack = new Pickle().global("os", "system").text("id").raw(0x85).op("R.");
    assertThatThrownBy(() -> TorchFile.read(zip(attack)))
        .hasMessage(
            "%s is unsafe and was not read: its pickle names os.system, which can run code",
            folder.resolve("checkpoint.pt"));
  }

  @ParameterizedTest
  @CsvSource({
    "builtins, exec",
    "builtins, compile",
    "builtins, getattr",
    "builtins, __import__",
    "builtins, open",
    "builtins, getattr.__self__",
    "sys, exit",
    "runpy, run_path",
    "importlib, import_module",
    "importlib.util, find_spec",
    "shutil, rmtree",
    "socket, socket",
    "pty, spawn",
    "webbrowser, open",
    "ctypes, CDLL",
    "code, InteractiveInterpreter",
    "pickle, loads",
    "_pickle, Unpickler",
    "torch, load",
    "torch.serialization, load",
    "torch.storage, _load_from_bytes",
    "torch.jit, load",
    "torch.jit._serialization, load",
    "torch.hub, load",
    "torch.utils.cpp_extension, load_inline",
    "operator, attrgetter",
    "operator, methodcaller",
    "functools, partial",
    "types, FunctionType",
    "numpy, load",
    "torch, serialization.os.system",
    "models, Net.__init__.__globals__"
  })
  void dangerousNamesAreRefusedBeforeTheyAreCalled(String module, String name) throws IOException {
    assertUnsafe(new Pickle().stackGlobal(module, name).op("."), "names " + module + "." + name);
  }

  @Test
  void unknownFunctionsAreNotCalled() throws IOException {
    assertUnsafe(
        new Pickle().global("models", "build").op(")R."), "calls the function models.build");
    assertUnsafe(new Pickle().global("models", "_Net.make").op(")R."), "models._Net.make");
    assertUnsafe(new Pickle().text("abc").op(")R."), "calls a value that is no class");
    assertUnsafe(new Pickle().global("models", "Net").op("}b."), "changes the class models.Net");
    assertUnsafe(
        new Pickle()
            .global("torch._tensor", "_rebuild_from_type_v2")
            .op("(")
            .global("models", "build")
            .op("N)NtR."),
        "rebuilds a tensor with models.build");
    assertUnsafe(new Pickle().raw(0x82, 1).op("."), "extension registry");
  }

  @Test
  void unknownClassesBecomePlaceholders() throws IOException {
    Pickle harmless = new Pickle().global("models.zoo", "Net").op(")R}").text("x").op("K\u0001sb.");
    try (TorchFile file = TorchFile.read(zip(harmless))) {
      Opaque net = (Opaque) file.root();
      assertThat(net.className()).isEqualTo("models.zoo.Net");
      assertThat(net.state()).containsEntry("x", 1L);
    }
  }

  @Test
  void announcedSizesBeyondTheInputAllocateNothing() throws IOException {
    String part = "bytes, ";
    assertBroken(new Pickle().raw(0x8b).int32(Integer.MAX_VALUE).op("."), part);
    assertBroken(new Pickle().raw(0x8b).int32(-1).op("."), part);
    assertBroken(new Pickle().raw(0x8d).int64(Long.MAX_VALUE).op("."), part);
    assertBroken(new Pickle().raw(0x8d).int64(-1).op("."), part);
    assertBroken(new Pickle().raw(0x8e).int64(1L << 40).op("."), part);
    assertBroken(new Pickle().raw(0x96).int64(1L << 40).op("."), part);
    assertBroken(new Pickle().raw(0x95).int64(1L << 40).op("."), part);
    assertBroken(new Pickle().op("X").int32(-1).op("."), part);
    assertBroken(new Pickle().op("B").int32(0x7fffffff).op("."), part);
    assertBroken(new Pickle().op("T").int32(-5).op("."), part);
  }

  @Test
  void malformedPicklesAreRefused() throws IOException {
    for (String pickle :
        new String[] {
          ".",
          "0.",
          "1.",
          "t.",
          "R.",
          "b.",
          "Na.",
          "Ns.",
          "(Nd.",
          "}(Nu.",
          "Iabc\n.",
          "Lx\n.",
          "Fx\n.",
          "Sx\n.",
          "S'\\x4'\n.",
          "V\\u12\n.",
          "V\\Uffffffff\n.",
          "g7\n.",
          "h\u0007.",
          "pfoo\n.",
          "Pid\n.",
          "(o.",
          "(NNb.",
          "NNb.",
          "N",
          "\u00fe.",
          "\u0080\u0009.",
          "NQ.",
          "(tQ.",
          "(N(0",
          "\u0093.",
          "NN\u0093.",
          "I" + "9".repeat(5000) + "\n."
        }) {
      assertThatThrownBy(() -> TorchFile.read(zip(new Pickle().op(pickle))))
          .as(pickle)
          .isInstanceOf(EngineFailure.class)
          .hasMessageNotContaining("\n");
    }
  }

  @Test
  void hugeMemoIndicesCostNothing() throws IOException {
    Pickle pickle = new Pickle().op("Nr").int32(-1).op("p999999999999\n.");
    try (TorchFile file = TorchFile.read(zip(pickle))) {
      assertThat(file.root()).isNull();
    }
  }

  @Test
  void cyclesAreRefused() throws IOException {
    assertUnsafe(new Pickle().op("]q\u0000h\u0000a."), "contains itself");
    assertUnsafe(new Pickle().op("}q\u0000").text("me").op("h\u0000s."), "contains itself");
    // In what belongs to a placeholder
    assertUnsafe(
        new Pickle().global("m", "Net").op("]q\u0000h\u0000a").raw(0x85).op("R."),
        "contains itself");
    // A key that contains itself must not be hashed
    assertUnsafe(new Pickle().op("}]q\u0000h\u0000aNs]h\u0000a."), "contains itself");
  }

  @Test
  void placeholdersMayReferToEachOther() throws IOException {
    Pickle pickle = new Pickle().global("m", "Net").op(")R}q\u0001").text("self");
    pickle.op("Ns0q\u0000}").text("self").op("h\u0000sb.");
    try (TorchFile file = TorchFile.read(zip(pickle))) {
      Opaque net = (Opaque) file.root();
      assertThat(net.state().get("self")).isSameAs(net);
    }
  }

  @Test
  void deepAndExponentialStructuresAreRefused() throws IOException {
    assertUnsafe(new Pickle().op("]".repeat(100_000) + "a".repeat(99_999) + "."), "levels deep");
    assertUnsafe(new Pickle().op(")" + "\u0085".repeat(100_000) + "."), "levels deep");
    // Each of 100 tuples holds the one before it twice
    assertUnsafe(new Pickle().op(")" + "2\u0086".repeat(100) + "."), "unfolds to more than");
  }

  @Test
  void endlessWorkIsRefused() throws IOException {
    assertUnsafe(new Pickle().op("N0".repeat(2_000_001) + "N."), "instructions");
    // A memoized text of 100,000 characters, encoded anew again and again
    Pickle copies = new Pickle().text("x".repeat(100_000)).op("q\u0000");
    copies.text("latin1").op("q\u0001").global("_codecs", "encode").op("q\u0002");
    copies.op("h\u0002h\u0000h\u0001\u0086R0".repeat(1000) + "N.");
    assertUnsafe(copies, "copies values over and over");
  }

  @Test
  void keysAndArgumentsThatObjectsShareAreLookedAtOnce() {
    // A number of 4000 bytes as the key of 20,000 entries of one object
    Pickle keys = new Pickle().raw(0x8b).int32(4000).op("7".repeat(4000)).op("q\u0000");
    keys.global("m", "Net").op(")R" + "h\u0000Ns".repeat(20_000) + ".");
    // A tuple of 200,000 values that 20,000 objects are made from
    Pickle arguments = new Pickle().op("(" + "N".repeat(200_000) + "tq\u0000");
    arguments.global("m", "Net").op("q\u0001](" + "h\u0001h\u0000R".repeat(20_000) + "e.");
    assertTimeoutPreemptively(
        Duration.ofSeconds(15),
        () -> {
          for (Pickle pickle : new Pickle[] {keys, arguments}) {
            try (TorchFile file = TorchFile.read(zip(pickle))) {
              assertThat(file.root()).isNotNull();
            }
          }
        });
  }

  @Test
  void keysOfSeveralClassesUnderOneHashTakeNoTime() {
    Pickle keys = new Pickle().op("}");
    for (int i = 1; i <= 60_000; i++) {
      long halves = (long) i << 32 | i; // both classes have the exclusive or of the halves: 0
      keys.number(halves).op("Ns").real(Double.longBitsToDouble(halves)).op("Ns");
    }
    keys.op(".");
    assertTimeoutPreemptively(
        Duration.ofSeconds(15),
        () -> {
          try (TorchFile file = TorchFile.read(zip(keys))) {
            assertThat((Map<?, ?>) file.root()).hasSize(120_000);
          }
        });
  }

  @Test
  void onlyTextsCountByContentAsKeys() throws IOException {
    Pickle pickle = new Pickle().op("}");
    for (int i = 0; i < 2; i++) {
      pickle.tensor("0", 6, 0, new long[] {6}, new long[] {1}).op("Ns").text("a").op("Ns");
    }
    Path path =
        Files.write(
            folder.resolve("k.pt"), ZipBytes.checkpoint(pickle.op(".").bytes(), new byte[24]));
    try (TorchFile file = TorchFile.read(path)) {
      assertThat((Map<?, ?>) file.root()).hasSize(3);
    }
  }

  @Test
  void expandedTensorsAreCountedTogether() throws IOException {
    for (int count : new int[] {1, 2}) {
      Pickle pickle = new Pickle().op("](");
      for (int i = 0; i < count; i++) {
        pickle.tensor("0", 6, 0, new long[] {40_000_000}, new long[] {0});
      }
      Path path =
          Files.write(
              folder.resolve("x" + count + ".pt"),
              ZipBytes.checkpoint(pickle.op("e.").bytes(), new byte[24]));
      if (count == 2) {
        assertUnsafe(path, "does not fit its storage");
      } else {
        TorchFile.read(path).close();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 2, 1",
    "0, 7, 1",
    "1, 6, 1",
    "0, 2, 6",
    "0, 2, -1",
    "0, -2, 1",
    "6, 1, 1",
    "0, 9223372036854775807, 9223372036854775807",
    "9223372036854775807, 2, 1",
    "0, 1099511627776, 0"
  })
  void tensorsStayInTheirStorage(long offset, long size, long stride) throws IOException {
    Pickle pickle =
        new Pickle().tensor("0", 6, offset, new long[] {size}, new long[] {stride}).op(".");
    Path path =
        Files.write(folder.resolve("tensor.pt"), ZipBytes.checkpoint(pickle.bytes(), new byte[24]));
    assertUnsafe(path, "does not fit its storage \"0\" of 6 elements");
  }

  @Test
  void hugeStoragesAreRefused() throws IOException {
    assertUnsafe(new Pickle().storage("FloatStorage", "0", 1L << 62).op("."), "elements");
    assertBroken(new Pickle().storage("FloatStorage", "0", 1L << 50).op("."), "should have");
    assertBroken(new Pickle().storage("FloatStorage", "0", -1).op("."), "is no storage");
    assertBroken(new Pickle().storage("FloatStorage", "../data.pkl", 1).op("."), "is missing");
  }

  @Test
  void zipTricksAreRefused() throws IOException {
    byte[] pickle = new Pickle().op("}.").bytes();
    for (String name : new String[] {"../evil", "a/../../evil", "/etc/evil", "a\\evil", "a/.."}) {
      assertUnsafe(
          zip(new ZipBytes().add("a/data.pkl", pickle).add(name, new byte[1])), "leads out");
    }
    assertUnsafe(
        zip(new ZipBytes().add("a/data.pkl", pickle).add("a/data.pkl", pickle)), "two entries");
    // An entry that lies inside of another
    byte[] inner = ZipBytes.local("a/data/1", new byte[4]);
    ZipBytes overlapping = new ZipBytes().add("a/data.pkl", pickle);
    int position = overlapping.position() + 30 + "a/data/0".length();
    overlapping.add("a/data/0", inner).list("a/data/1", position, 4, 4, 0);
    assertUnsafe(zip(overlapping), "overlaps another");
    // The directory gives another name than the entry itself, or a place beyond the file
    for (int place : new int[] {0, 3, 99, Integer.MAX_VALUE, -2}) {
      assertFailure(
          zip(new ZipBytes().add("a/data.pkl", pickle).list("a/data/0", place, 2, 2, 0)),
          FailureCode.CHECKPOINT_MISMATCH,
          "");
    }
    byte[] local = ZipBytes.local("a/data.pkl", pickle);
    assertFailure(
        zip(new ZipBytes().add("b", local).list("a/data.pkl", 31, 1 << 30, 1 << 30, 0)),
        FailureCode.CHECKPOINT_MISMATCH,
        "bytes, more than the file");
  }

  @Test
  void compressedPicklesAreNotInflated() throws IOException {
    byte[] bomb = new byte[64];
    ZipBytes zip = new ZipBytes();
    zip.list("a/data.pkl", 0, bomb.length, 1 << 30, 8);
    byte[] bytes = zip.bytes();
    byte[] local = ZipBytes.local("a/data.pkl", bomb);
    byte[] all =
        ByteBuffer.allocate(local.length + bytes.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(local)
            .put(bytes)
            .putInt(local.length + bytes.length - 6, local.length)
            .array();
    assertBroken(Files.write(folder.resolve("bomb.pt"), all), "is compressed or encrypted");
  }

  @Test
  void legacyStoragesMustBeListedAndWhole() throws IOException {
    byte[] magic = {
      (byte) 0x80,
      2,
      (byte) 0x8a,
      10,
      0x6c,
      (byte) 0xfc,
      (byte) 0x9c,
      0x46,
      (byte) 0xf9,
      0x20,
      0x6a,
      (byte) 0xa8,
      0x50,
      0x19,
      '.'
    };
    Pickle unlisted = new Pickle();
    for (byte b : magic) {
      unlisted.raw(b);
    }
    unlisted.op("M").raw(0xe9, 3).op(".}.");
    unlisted.tensor("7", 6, 0, new long[] {6}, new long[] {1}).op(".].");
    assertBroken(
        Files.write(folder.resolve("a.pt"), unlisted.bytes()), "its storage \"7\" is missing");
  }

  @Test
  void noDamageEndsInAnythingButAFailure() throws IOException {
    // Random bytes flipped in the two real formats: a failure or a result, never another error.
    Random random = new Random(1);
    for (String name : new String[] {"zip-2.pt", "zip-4.pt", "legacy-2.pt", "legacy-5.pt"}) {
      byte[] whole;
      try (var in = UnsafeCheckpointTest.class.getResourceAsStream("/torch/" + name)) {
        whole = in.readAllBytes();
      }
      for (int i = 0; i < 500; i++) {
        byte[] damaged = whole.clone();
        for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
        }
        Path path = Files.write(folder.resolve(name), damaged);
        try (TorchFile file = TorchFile.read(path)) {
          TensorFile tensors = file.tensors("model_state_dict");
          for (String tensor : tensors.names()) {
            tensors.bytes(tensor);
          }
        } catch (EngineFailure e) {
          assertThat(e.getMessage()).doesNotContain("\n");
        } catch (RuntimeException e) {
          throw new AssertionError(name + ", round " + i, e);
        }
      }
    }
  }

  private Path zip(Pickle pickle) throws IOException {
    return zip(new ZipBytes().add("a/data.pkl", pickle.bytes()).add("a/data/0", new byte[24]));
  }

  private Path zip(ZipBytes zip) throws IOException {
    return Files.write(folder.resolve("checkpoint.pt"), zip.bytes());
  }

  private void assertUnsafe(Pickle pickle, String part) throws IOException {
    assertUnsafe(zip(pickle), part);
  }

  private static void assertUnsafe(Path path, String part) {
    assertFailure(path, FailureCode.UNSAFE_CHECKPOINT, part);
  }

  private void assertBroken(Pickle pickle, String part) throws IOException {
    assertFailure(zip(pickle), FailureCode.CHECKPOINT_MISMATCH, part);
  }

  private static void assertBroken(Path path, String part) {
    assertFailure(path, FailureCode.CHECKPOINT_MISMATCH, part);
  }

  private static void assertFailure(Path path, FailureCode code, String part) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () ->
            assertThatThrownBy(() -> TorchFile.read(path))
                .isInstanceOf(EngineFailure.class)
                .hasMessageContaining(part)
                .hasMessageContaining(path.toString())
                .hasMessageNotContaining("\n")
                .extracting("code")
                .isEqualTo(code));
  }
}
