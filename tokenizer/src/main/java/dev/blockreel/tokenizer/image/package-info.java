/**
 * What the tokenizers of images share: the convolutional encoder and decoder of latent diffusion
 * (arXiv 2112.10752). Pixels enter, feature maps leave, and back; what a feature map means is for
 * {@code kl} and {@code vq} to say. Read {@link dev.blockreel.tokenizer.image.ImageNetwork} first.
 */
package dev.blockreel.tokenizer.image;
