/**
 * How good clips are: clips enter, numbers leave. Plain Java over plain arrays; nothing native.
 * Read {@link dev.blockreel.evaluate.Fidelity} first.
 */
package dev.blockreel.evaluate;
