/**
 * The program that makes the training data of the sample models: a folder of layered artwork
 * enters, a folder of short clips in 20 classes leaves. Read {@link
 * dev.blockreel.samples.sprites.ComposeSprites} first, then {@code SpriteComposer}.
 */
package dev.blockreel.samples.sprites;
