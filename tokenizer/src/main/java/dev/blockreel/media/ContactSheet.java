package dev.blockreel.media;

import static dev.blockreel.failure.EngineFailure.badRequest;

import dev.blockreel.grid.Clip;
import java.util.Arrays;
import java.util.List;

/** Frames side by side in one image, a pixel of dark grey between them. */
final class ContactSheet {
  private static final float GAP = 0.125f;

  private ContactSheet() {}

  /** All frames of a clip in reading order on a nearly square sheet; an image stays as it is. */
  static Clip of(Clip clip) {
    return clip.frames() == 1 ? clip : nearlySquare(List.of(clip));
  }

  /** One row for each clip; single images on a nearly square sheet. */
  static Clip of(List<Clip> clips) {
    requireSameSize(clips);
    if (clips.stream().allMatch(clip -> clip.frames() == 1)) {
      return clips.size() == 1 ? clips.get(0) : nearlySquare(clips);
    }
    int columns = clips.stream().mapToInt(Clip::frames).max().orElseThrow();
    Clip sheet = empty(clips.get(0), clips.size(), columns);
    for (int row = 0; row < clips.size(); row++) {
      for (int t = 0; t < clips.get(row).frames(); t++) {
        paste(clips.get(row), t, sheet, row, t);
      }
    }
    return sheet;
  }

  private static Clip nearlySquare(List<Clip> clips) {
    int count = clips.stream().mapToInt(Clip::frames).sum();
    int columns = (int) Math.ceil(Math.sqrt(count));
    Clip sheet = empty(clips.get(0), (count + columns - 1) / columns, columns);
    int cell = 0;
    for (Clip clip : clips) {
      for (int t = 0; t < clip.frames(); t++, cell++) {
        paste(clip, t, sheet, cell / columns, cell % columns);
      }
    }
    return sheet;
  }

  private static void requireSameSize(List<Clip> clips) {
    if (clips.isEmpty()) {
      throw badRequest("a sheet needs at least one clip");
    }
    Clip first = clips.get(0);
    for (Clip clip : clips) {
      if (clip.height() != first.height() || clip.width() != first.width()) {
        throw badRequest(
            "the clips of a sheet must have one size: got %dx%d and %dx%d",
            first.width(), first.height(), clip.width(), clip.height());
      }
    }
  }

  private static Clip empty(Clip cell, int rows, int columns) {
    long height = (long) rows * (cell.height() + 1) - 1;
    long width = (long) columns * (cell.width() + 1) - 1;
    if (3 * height * width > Integer.MAX_VALUE - 8) {
      throw badRequest(
          "a sheet of %d x %d frames of %dx%d is too large",
          rows, columns, cell.width(), cell.height());
    }
    float[] pixels = new float[(int) (3 * height * width)];
    Arrays.fill(pixels, GAP);
    return new Clip(pixels, 1, (int) height, (int) width, cell.fps());
  }

  private static void paste(Clip clip, int t, Clip sheet, int row, int column) {
    int top = row * (clip.height() + 1);
    int left = column * (clip.width() + 1);
    for (int c = 0; c < 3; c++) {
      for (int y = 0; y < clip.height(); y++) {
        System.arraycopy(
            clip.pixels(),
            ((c * clip.frames() + t) * clip.height() + y) * clip.width(),
            sheet.pixels(),
            (c * sheet.height() + top + y) * sheet.width() + left,
            clip.width());
      }
    }
  }
}
