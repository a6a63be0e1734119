/**
 * How good clips are: clips enter, numbers leave. {@link dev.blockreel.evaluate.Fidelity} compares
 * a clip with its reconstruction; {@link dev.blockreel.evaluate.ClipsEvaluation} compares a folder
 * of clips with a folder of real ones through networks that look at them, and is the class to read
 * first. Distances and scores are plain Java in double precision; only networks are native.
 */
package dev.blockreel.evaluate;
