/**
 * The HTTP API, as {@code openapi.yaml} beside this package promises it: requests enter, are
 * checked and become records; JSON, files and streams of frames leave. All of it runs on the event
 * loop, so nothing here computes, encodes or touches files but through Vert.x. Read {@link
 * dev.blockreel.server.http.Api} first.
 */
package dev.blockreel.server.http;
