package dev.blockreel.samples.sprites;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/**
 * One layer of artwork, cut into cells. Each cell keeps only the box around what is drawn in it:
 * that is a tenth of a sheet, so all layers stay in memory, and a tenth of the drawing.
 */
final class SpriteSheet {
  /** Width and height of a cell in pixels. */
  static final int CELL = 64;

  private static final int COLUMNS = 13;
  private static final int ROWS = 21;

  /** The drawn part of a cell: {@code argb} is height x width, not premultiplied. */
  private record Cell(int left, int top, int width, int height, int[] argb) {}

  private final Cell[] cells = new Cell[ROWS * COLUMNS];

  /**
   * Reads a sheet.
   *
   * @throws EngineFailure MEDIA when it is no image or of another size
   */
  SpriteSheet(Path file) {
    BufferedImage image = read(file);
    int[] argb = new int[CELL * CELL];
    for (int row = 0; row < ROWS; row++) {
      for (int column = 0; column < COLUMNS; column++) {
        image.getRGB(column * CELL, row * CELL, CELL, CELL, argb, 0, CELL);
        cells[row * COLUMNS + column] = crop(argb);
      }
    }
  }

  private static BufferedImage read(Path file) {
    BufferedImage image;
    try {
      image = ImageIO.read(file.toFile());
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot read the layer %s: %s".formatted(file, e.getMessage()), e);
    }
    int width = COLUMNS * CELL;
    int height = ROWS * CELL;
    if (image == null || image.getWidth() != width || image.getHeight() != height) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          "the layer %s must be an image of %dx%d: got %s"
              .formatted(
                  file,
                  width,
                  height,
                  image == null ? "no image" : image.getWidth() + "x" + image.getHeight()));
    }
    return image;
  }

  private static Cell crop(int[] argb) {
    int left = CELL;
    int top = CELL;
    int right = 0;
    int bottom = 0;
    for (int y = 0; y < CELL; y++) {
      for (int x = 0; x < CELL; x++) {
        if (argb[y * CELL + x] >>> 24 != 0) {
          left = Math.min(left, x);
          right = Math.max(right, x + 1);
          top = Math.min(top, y);
          bottom = Math.max(bottom, y + 1);
        }
      }
    }
    if (right == 0) {
      return new Cell(0, 0, 0, 0, new int[0]);
    }
    int width = right - left;
    int[] drawn = new int[width * (bottom - top)];
    for (int y = top; y < bottom; y++) {
      System.arraycopy(argb, y * CELL + left, drawn, (y - top) * width, width);
    }
    return new Cell(left, top, width, bottom - top, drawn);
  }

  /**
   * Draws a cell over an image.
   *
   * @param row sheet row, from 0
   * @param column sheet column, from 0
   * @param rgb CELL·CELL·3 bytes, RGB interleaved; changed in place
   */
  void drawOver(int row, int column, byte[] rgb) {
    Cell cell = cells[row * COLUMNS + column];
    for (int y = 0; y < cell.height; y++) {
      for (int x = 0; x < cell.width; x++) {
        int argb = cell.argb[y * cell.width + x];
        int alpha = argb >>> 24;
        int to = 3 * ((cell.top + y) * CELL + cell.left + x);
        for (int c = 0; c < 3; c++) {
          int over = (argb >>> (16 - 8 * c)) & 0xff;
          int under = rgb[to + c] & 0xff;
          rgb[to + c] = (byte) ((over * alpha + under * (255 - alpha) + 127) / 255);
        }
      }
    }
  }
}
