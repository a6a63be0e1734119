package dev.blockreel.grid;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Codebook indices of one image at several scales, coarse to fine.
 *
 * @param maps one grid a scale, each of one latent frame
 */
public record TokenScales(List<TokenGrid> maps) implements ClipCodes {
  /** Checks that each map has one latent frame. */
  public TokenScales {
    maps = List.copyOf(maps);
    if (maps.isEmpty() || maps.stream().anyMatch(map -> map.time() != 1)) {
      throw new IllegalArgumentException(
          "token maps of an image have one latent frame each: got " + maps.size() + " maps");
    }
  }

  /**
   * Cuts codes into square maps.
   *
   * @param codes of all scales, one after the other; there may be more, which are left out
   * @param sides of the maps
   */
  public static TokenScales of(int[] codes, List<Integer> sides) {
    List<TokenGrid> maps = new ArrayList<>();
    int at = 0;
    for (int side : sides) {
      maps.add(new TokenGrid(Arrays.copyOfRange(codes, at, at + side * side), 1, side, side));
      at += side * side;
    }
    return new TokenScales(maps);
  }

  /** All codes, scale after scale. */
  public int[] codes() {
    return maps.stream().flatMapToInt(map -> Arrays.stream(map.codes())).toArray();
  }

  /** Sides of the maps in words, such as {@code 1x1, 2x2}. */
  public String sizes() {
    return String.join(", ", maps.stream().map(map -> map.height() + "x" + map.width()).toList());
  }

  @Override
  public String describe() {
    return sizes() + " tokens";
  }
}
