/**
 * What operators see of the server and its process: measures for Prometheus, native memory that
 * goes back to the system. Events enter, text leaves. Read {@link
 * dev.blockreel.server.operations.Measures} first.
 */
package dev.blockreel.server.operations;
