/**
 * The one thread that owns the models: it loads them, generates, and encodes frames for live
 * viewers. {@link dev.blockreel.server.engine.Work} enters from any thread and is called back on
 * the engine thread; what leaves are records over plain arrays. Knows neither HTTP nor files of
 * jobs. Read {@link dev.blockreel.server.engine.Engine} first.
 */
package dev.blockreel.server.engine;
