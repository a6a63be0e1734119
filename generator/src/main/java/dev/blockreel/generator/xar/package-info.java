/**
 * Next-X prediction (xAR): noisy latents enter, velocities leave. No loop over steps and no pixels
 * here. Read {@link dev.blockreel.generator.xar.Xar} first; {@link
 * dev.blockreel.generator.xar.EntityOrder} says what X is.
 */
package dev.blockreel.generator.xar;
