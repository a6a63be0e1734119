package dev.blockreel.samples.sprites;

import static dev.blockreel.samples.sprites.SpriteSheet.CELL;

import dev.blockreel.grid.Clip;
import java.nio.file.Path;
import java.util.Arrays;

/** Draws characters in motion. */
final class SpriteComposer {
  /** Frames of a clip. */
  static final int FRAMES = 17;

  /** Frames per second of a clip. */
  static final double FPS = 8;

  private static final byte BACKGROUND = 120;

  private final SpriteLayers artwork;

  SpriteComposer(SpriteLayers artwork) {
    this.artwork = artwork;
  }

  /**
   * Composes a clip of 64x64 pixels: the action's columns in an endless loop.
   *
   * @param character whom to draw
   * @param kind what is done, and in which direction
   * @param first frame of the loop that the clip begins with, from 0
   * @param frames how many frames, at least 1
   */
  Clip compose(SpriteCharacter character, SpriteClass kind, int first, int frames) {
    int plane = CELL * CELL;
    float[] pixels = new float[3 * frames * plane];
    byte[] rgb = new byte[3 * plane];
    for (int t = 0; t < frames; t++) {
      Arrays.fill(rgb, BACKGROUND);
      for (Path layer : character.layers()) {
        artwork
            .sheet(layer)
            .drawOver(kind.action().row(kind.direction()), kind.action().column(first + t), rgb);
      }
      for (int c = 0; c < 3; c++) {
        for (int i = 0; i < plane; i++) {
          pixels[(c * frames + t) * plane + i] = (rgb[3 * i + c] & 0xff) / 255f;
        }
      }
    }
    return new Clip(pixels, frames, CELL, CELL, FPS);
  }
}
