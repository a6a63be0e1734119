package dev.blockreel.samples.sprites;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/**
 * A folder of layer sheets, {@code KIND/SEX/NAME.png}, each 832x1344 pixels of 64x64 cells, drawn
 * over each other.
 */
final class SpriteLayers {
  private static final int CELL = 64;
  private static final int FRAMES = 17;
  private static final double FPS = 8;
  private static final Color BACKGROUND = new Color(120, 120, 120);

  private final Path root;
  private final Map<String, List<String>> names = new HashMap<>();
  private final Map<String, BufferedImage> sheets = new HashMap<>();

  SpriteLayers(Path root) {
    this.root = root;
  }

  /** Names of the layers of a kind, sorted. */
  List<String> names(String kind, String sex) {
    return names.computeIfAbsent(kind + "/" + sex, this::list);
  }

  private List<String> list(String folder) {
    try (Stream<Path> files = Files.list(root.resolve(folder))) {
      List<String> found =
          files
              .map(f -> folder + "/" + f.getFileName())
              .filter(f -> f.endsWith(".png"))
              .sorted()
              .toList();
      if (!found.isEmpty()) {
        return found;
      }
    } catch (IOException e) {
      throw new EngineFailure(FailureCode.MEDIA, "no layer folder " + root.resolve(folder), e);
    }
    throw new EngineFailure(FailureCode.MEDIA, "no layer sheets in " + root.resolve(folder));
  }

  private BufferedImage sheet(String name) {
    return sheets.computeIfAbsent(
        name,
        n -> {
          try {
            BufferedImage image = ImageIO.read(root.resolve(n).toFile());
            if (image != null && image.getWidth() >= 13 * CELL && image.getHeight() >= 20 * CELL) {
              return image;
            }
          } catch (IOException e) {
            throw new EngineFailure(
                FailureCode.MEDIA, "cannot read the layer sheet " + root.resolve(n), e);
          }
          throw new EngineFailure(
              FailureCode.MEDIA, root.resolve(n) + " is no sheet of 13x20 cells of 64x64 pixels");
        });
  }

  /** The character doing the action: 17 frames of 64x64 at 8 frames per second. */
  Clip compose(SpriteCharacter character, SpriteAction action, String direction) {
    int plane = CELL * CELL;
    float[] pixels = new float[3 * FRAMES * plane];
    BufferedImage frame = new BufferedImage(CELL, CELL, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = frame.createGraphics();
    int y = action.row(direction) * CELL;
    for (int t = 0; t < FRAMES; t++) {
      int x = action.column(t) * CELL;
      graphics.setColor(BACKGROUND);
      graphics.fillRect(0, 0, CELL, CELL);
      for (String layer : character.layers()) {
        graphics.drawImage(sheet(layer), 0, 0, CELL, CELL, x, y, x + CELL, y + CELL, null);
      }
      for (int p = 0; p < plane; p++) {
        int rgb = frame.getRGB(p % CELL, p / CELL);
        for (int c = 0; c < 3; c++) {
          pixels[(c * FRAMES + t) * plane + p] = (rgb >> (16 - 8 * c) & 255) / 255f;
        }
      }
    }
    graphics.dispose();
    return new Clip(pixels, FRAMES, CELL, CELL, FPS);
  }
}
