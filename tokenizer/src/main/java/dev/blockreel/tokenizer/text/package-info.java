/**
 * Text as ids for models that take a text as their condition. Enter: a {@code tokenizer.json} and
 * text; leave: ids. The only package that knows the Hugging Face tokenizers. Read {@link
 * dev.blockreel.tokenizer.text.TextTokenizer} first.
 */
package dev.blockreel.tokenizer.text;
