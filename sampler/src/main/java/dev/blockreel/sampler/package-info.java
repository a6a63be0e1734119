/**
 * The loops: which block comes next, which token is drawn. Requests enter, clips leave. Knows no
 * layers and no files but model directories. Read {@link dev.blockreel.sampler.Pipeline} first,
 * then {@code NbpDecoding}.
 */
package dev.blockreel.sampler;
