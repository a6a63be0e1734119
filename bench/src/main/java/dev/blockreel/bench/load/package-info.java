/**
 * Load for a running server, over HTTP as its users send it: the address of a server enters,
 * figures leave. Run it with {@code ./blockreel run-load URL SCENARIO}. Read {@link
 * dev.blockreel.bench.load.HttpLoad} first.
 */
package dev.blockreel.bench.load;
