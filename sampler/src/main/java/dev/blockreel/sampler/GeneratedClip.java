package dev.blockreel.sampler;

import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;

/**
 * What a generation leaves.
 *
 * @param tokens its codes
 * @param clip the frames they decode to
 */
public record GeneratedClip(TokenGrid tokens, Clip clip) {}
