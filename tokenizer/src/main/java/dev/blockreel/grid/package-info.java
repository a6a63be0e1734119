/**
 * What travels between rooms: clips, token grids and latent grids as records over plain Java
 * arrays, safe to hand between threads once made. Nothing native and no files here. Read {@link
 * dev.blockreel.grid.Clip} first.
 */
package dev.blockreel.grid;
