/**
 * What the tokenizers have in common, each of which has a package: clips enter, codes leave, and
 * back. Read {@link dev.blockreel.tokenizer.ClipTokenizer} first.
 */
package dev.blockreel.tokenizer;
