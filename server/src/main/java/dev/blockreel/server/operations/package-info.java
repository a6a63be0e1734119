/**
 * What operators see: measures for Prometheus. Events enter, text leaves. Read {@link
 * dev.blockreel.server.operations.Measures} first.
 */
package dev.blockreel.server.operations;
