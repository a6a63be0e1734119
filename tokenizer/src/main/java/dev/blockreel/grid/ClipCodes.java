package dev.blockreel.grid;

/** What a clip or image is between a tokenizer and a generator. */
public sealed interface ClipCodes permits LatentGrid, TokenGrid, TokenScales {}
