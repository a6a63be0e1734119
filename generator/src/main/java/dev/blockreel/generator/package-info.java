/**
 * What is common to the generators, which have a package each. Enter: published files; leave: model
 * directories. May use {@code tokenizer} and the generators. Read {@link
 * dev.blockreel.generator.ModelImport} first.
 */
package dev.blockreel.generator;
