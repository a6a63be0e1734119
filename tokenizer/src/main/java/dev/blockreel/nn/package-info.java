/**
 * Layers that name their weights as the checkpoints do and write themselves into a script. Enter:
 * symbolic tensors and checkpoint tensors; leave: symbolic tensors and prepared weight lists. The
 * same layers serve inference, plain or fast, and training: {@link dev.blockreel.nn.Numerics} says
 * which. May use {@code script} and {@code checkpoint}. Read {@link dev.blockreel.nn.WeightScope}
 * first, then {@link dev.blockreel.nn.Linear}.
 */
package dev.blockreel.nn;
