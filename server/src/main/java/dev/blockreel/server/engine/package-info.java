/**
 * The models and the threads that generate with them and encode frames for live viewers. {@link
 * dev.blockreel.server.engine.Work} enters from any thread and is called back on the engine thread
 * that makes it; what leaves are records over plain arrays. Knows neither HTTP nor files of jobs.
 * Read {@link dev.blockreel.server.engine.Engine} first.
 */
package dev.blockreel.server.engine;
