/**
 * The tokenizer of xAR: images enter, continuous latents leave, and back; clips frame by frame.
 * Read {@link dev.blockreel.tokenizer.kl.Kl} first, then {@link
 * dev.blockreel.tokenizer.kl.KlTokenizer}.
 */
package dev.blockreel.tokenizer.kl;
