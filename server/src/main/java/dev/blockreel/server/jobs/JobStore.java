package dev.blockreel.server.jobs;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Jobs on disk, a folder each: {@code job.json} beside the media. A record is written under another
 * name, forced to the disk and renamed, so there is always a whole one. A folder without a record
 * is no job. All methods block; one thread at a time.
 *
 * <p>Whoever runs a server may keep other things in the same folder: what is not called like a job
 * is never touched.
 */
final class JobStore {
  /** What a clip begins with, as it was uploaded. */
  static final String REFERENCE = "reference";

  private static final Logger LOG = LoggerFactory.getLogger(JobStore.class);
  private static final String RECORD = "job.json";
  private static final String PART = ".part";

  /** Also of a newer server, which may have more to say. */
  private static final ObjectMapper JSON =
      new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  private final Path root;

  /**
   * @param root the folder of all jobs; made where it is missing
   * @throws EngineFailure MEDIA when it cannot be made
   */
  JobStore(Path root) {
    this.root = root;
    try {
      Files.createDirectories(root);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot make the folder %s", root);
    }
  }

  /** The folder of a job; the id comes from this server, never from a client. */
  Path folder(String id) {
    return root.resolve(id);
  }

  /** Makes the folder of a job. The reference, or null, is moved into it. */
  void create(JobRecord record, Path reference) {
    Path folder = folder(record.id());
    try {
      Files.createDirectory(folder);
      if (reference != null) {
        Files.move(reference, folder.resolve(REFERENCE), StandardCopyOption.REPLACE_EXISTING);
      }
      save(record);
      force(root);
    } catch (IOException e) {
      delete(record.id());
      throw EngineFailure.media(e, "cannot store a job");
    }
  }

  /** Replaces the record of a job as a whole. */
  void save(JobRecord record) {
    Path folder = folder(record.id());
    Path part = folder.resolve(RECORD + PART);
    try {
      try (FileChannel out =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(record));
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        out.force(true);
      }
      Files.move(
          part,
          folder.resolve(RECORD),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      force(folder);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot store the record of a job");
    }
  }

  /** The same, after the media beside it have reached the disk. */
  void saveWithMedia(JobRecord record) {
    try (Stream<Path> files = Files.list(folder(record.id()))) {
      for (Path file : files.toList()) {
        force(file);
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot store the files of a job");
    }
    save(record);
  }

  /**
   * Replaces the record of a job that begins anew or has failed, and removes its media. What does
   * not work, as on a full disk, is left to the next server: it finds the job as this one did.
   */
  void saveWithoutMedia(JobRecord record) {
    try {
      deleteMedia(record.id());
      save(record);
    } catch (EngineFailure e) {
      LOG.warn("{}: {}", record.id(), e.getMessage());
    }
  }

  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * All jobs, oldest first. What a crash left half-made is removed: part files, and folders without
   * a record. A folder whose record cannot be read, or whose name is no job's, stays as it is.
   */
  List<JobRecord> load() {
    List<JobRecord> records = new ArrayList<>();
    try (Stream<Path> folders = Files.list(root)) {
      for (Path folder : folders.filter(JobStore::isOfJob).toList()) {
        if (Files.exists(folder.resolve(RECORD))) {
          read(folder).ifPresent(records::add);
        } else {
          LOG.warn("removed {}: no record in it", folder.getFileName());
          delete(String.valueOf(folder.getFileName()));
        }
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read the jobs in %s", root);
    }
    records.sort(Comparator.comparing(JobRecord::createdAt).thenComparing(JobRecord::id));
    return records;
  }

  private static boolean isOfJob(Path folder) {
    return JobIds.isOne(String.valueOf(folder.getFileName())) && Files.isDirectory(folder);
  }

  private static Optional<JobRecord> read(Path folder) {
    try {
      JobRecord record =
          JSON.readValue(Files.readAllBytes(folder.resolve(RECORD)), JobRecord.class);
      requireNonNull(record, "it is null");
      if (record.id().equals(String.valueOf(folder.getFileName()))) {
        removeParts(folder);
        return Optional.of(record);
      }
      LOG.warn("left {} alone: its record is that of {}", folder.getFileName(), record.id());
    } catch (IOException | RuntimeException e) { // whatever it is: the other jobs are served
      LOG.warn("left {} alone: its record cannot be read: {}", folder, firstLine(e));
    }
    return Optional.empty();
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  private static void removeParts(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(file -> file.toString().endsWith(PART)).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Removes all media of a job and leaves its record and what it begins with. */
  void deleteMedia(String id) {
    try (Stream<Path> files = Files.list(folder(id))) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (!name.equals(RECORD) && !name.equals(REFERENCE)) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot remove the files of a job");
    }
  }

  /** Removes a job, its record first: what a crash leaves then is no job. */
  void delete(String id) {
    Path folder = folder(id);
    try {
      Files.deleteIfExists(folder.resolve(RECORD));
      if (!Files.exists(folder)) {
        return;
      }
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot remove a job");
    }
  }

  /** Removes a file that did not become part of a job; may be gone already. */
  void drop(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("{} stays: {}", file, e.getMessage());
    }
  }

  /** Whether so many bytes may be written. */
  boolean hasRoom(long bytes) {
    return DiskSpace.isThere(root, bytes);
  }

  /** What a job takes on disk. */
  long bytes(String id) {
    try (Stream<Path> files = Files.list(folder(id))) {
      return files.mapToLong(JobStore::size).sum();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Bytes of a file; 0 where it has just gone, as part files do. */
  static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      return 0;
    }
  }
}
