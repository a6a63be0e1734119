/**
 * Next-Block Prediction: ids enter, logits leave. No loop over steps and no pixels here. Read
 * {@link dev.blockreel.generator.nbp.Nbp} first; {@link dev.blockreel.generator.nbp.NbpLayout} says
 * how a clip becomes ids.
 */
package dev.blockreel.generator.nbp;
