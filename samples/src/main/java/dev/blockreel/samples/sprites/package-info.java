/**
 * The program that makes the training data of the sample models: a folder of layered artwork
 * enters, a folder of short clips in 20 classes leaves. Read {@link
 * dev.blockreel.samples.sprites.ComposeSprites} first, then {@code SpriteComposer}. {@link
 * dev.blockreel.samples.sprites.MakeGallery} draws what a trained model makes of it, {@link
 * dev.blockreel.samples.sprites.AverageGenerators} makes one model of several.
 */
package dev.blockreel.samples.sprites;
