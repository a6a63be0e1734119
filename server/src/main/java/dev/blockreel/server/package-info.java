/**
 * The server: HTTP requests enter, clips leave while they are being generated. {@code http} speaks
 * the API on the event loop, {@code jobs} keeps what was accepted, {@code engine} generates on its
 * own thread, {@code streams} carries frames from there to the viewers, {@code operations}
 * measures. The only packages that know Vert.x. Read {@link dev.blockreel.server.Server} first.
 */
package dev.blockreel.server;
