/**
 * Weights in files. Enter: safetensors files, PyTorch checkpoints (zip and legacy) and model
 * directories, none of them trusted; leave: named tensors as memory-mapped bytes or plain arrays,
 * the JSON that describes a model, and files that appear under their name only when whole. Nothing
 * in a checkpoint is ever run. Depends on the JDK, Jackson and {@code failure}. Read {@link
 * dev.blockreel.checkpoint.TensorFile} first.
 */
package dev.blockreel.checkpoint;
