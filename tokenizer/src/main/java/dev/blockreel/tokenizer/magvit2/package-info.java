/**
 * The tokenizer of NBP: clips enter, grids of FSQ codes leave, and back. Read {@link
 * dev.blockreel.tokenizer.magvit2.Magvit2} first, then {@link
 * dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer}.
 */
package dev.blockreel.tokenizer.magvit2;
