/**
 * The tokenizer of NBP: clips enter, grids of FSQ codes leave, and back, the way back also latent
 * frame by latent frame. Read {@link dev.blockreel.tokenizer.magvit2.Magvit2} first, then {@link
 * dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer} and {@link
 * dev.blockreel.tokenizer.magvit2.ClipStream}.
 */
package dev.blockreel.tokenizer.magvit2;
