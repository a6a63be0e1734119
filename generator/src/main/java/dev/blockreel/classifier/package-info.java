/**
 * A small network that tells what a clip or an image shows, to judge generated ones: pixels enter,
 * class probabilities and features leave. Read {@link dev.blockreel.classifier.ClipClassifier}
 * first; {@code train} trains it and {@code evaluate} measures with it.
 */
package dev.blockreel.classifier;
