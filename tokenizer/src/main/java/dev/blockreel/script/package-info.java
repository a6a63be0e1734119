/**
 * Models in Java, run as one native call. Java code writes a TorchScript method once, when a model
 * is loaded; every step is then a single call of it. Enter: layers' operators on {@link
 * dev.blockreel.script.Sym}, plain arrays; leave: plain arrays. Nobody else imports DJL, but for
 * its tokenizers of text. Nothing here knows of layers, weights' names or models. Read {@link
 * dev.blockreel.script.ScriptWriter} first, then {@link dev.blockreel.script.Sym} and {@link
 * dev.blockreel.script.Script}.
 */
package dev.blockreel.script;
