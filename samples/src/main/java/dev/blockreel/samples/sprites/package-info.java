/**
 * Walking, casting, thrusting, slashing and shooting characters: layered artwork enters, a folder
 * of clips leaves. Read {@link dev.blockreel.samples.sprites.ComposeSprites} first.
 */
package dev.blockreel.samples.sprites;
