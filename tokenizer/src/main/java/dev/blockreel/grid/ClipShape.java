package dev.blockreel.grid;

/**
 * Length, size and rate of the clips that a model is for.
 *
 * @param frames T; 1 for images
 * @param height H in pixels
 * @param width W in pixels
 * @param fps frames per second
 */
public record ClipShape(int frames, int height, int width, double fps) {}
