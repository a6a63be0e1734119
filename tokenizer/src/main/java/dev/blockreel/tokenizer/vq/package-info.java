/**
 * The tokenizer of VAR: images enter, codes at several scales leave, and back, the way back also
 * scale by scale. Read {@link dev.blockreel.tokenizer.vq.Vq} first, then {@link
 * dev.blockreel.tokenizer.vq.VqTokenizer} and {@link dev.blockreel.tokenizer.vq.ScaleStream}.
 */
package dev.blockreel.tokenizer.vq;
