package dev.blockreel.golden;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Rewrites a float checkpoint in the format that PyTorch had before 1.6. */
public final class LegacyCheckpoint {
  private LegacyCheckpoint() {}

  /**
   * Writes the contents of {@code zip} anew.
   *
   * @param zip a checkpoint whose storages are all of floats
   */
  public static Path of(Path zip, Path target) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    write(out, 0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.');
    write(out, 0x80, 2, 'M', 0xe9, 3, '.'); // protocol 1001
    write(out, 0x80, 2, '}', '.'); // about the system that wrote it
    Map<String, byte[]> storages = new LinkedHashMap<>();
    try (ZipFile archive = new ZipFile(zip.toFile())) {
      for (ZipEntry entry : archive.stream().toList()) {
        byte[] bytes = archive.getInputStream(entry).readAllBytes();
        if (entry.getName().endsWith("/data.pkl")) {
          out.writeBytes(bytes);
        } else if (entry.getName().contains("/data/")) {
          storages.put(entry.getName().substring(entry.getName().lastIndexOf('/') + 1), bytes);
        }
      }
      write(out, 0x80, 2, ']', '(');
      for (String key : storages.keySet()) {
        write(out, 'X', key.length(), 0, 0, 0);
        out.writeBytes(key.getBytes(StandardCharsets.US_ASCII));
      }
      write(out, 'e', '.');
      for (byte[] bytes : storages.values()) {
        ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.writeBytes(length.putLong(bytes.length / Float.BYTES).array());
        out.writeBytes(bytes);
      }
      return Files.write(target, out.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(ByteArrayOutputStream out, int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
  }
}
