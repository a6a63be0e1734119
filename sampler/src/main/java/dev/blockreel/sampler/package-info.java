/**
 * The loops: which block comes next, which token is drawn. Requests enter, clips leave. Knows no
 * layers and no files but model directories. Read {@link dev.blockreel.sampler.Pipeline} first,
 * then {@link dev.blockreel.sampler.NbpBatch}, {@code NbpDecoding} and {@code NbpStream}.
 */
package dev.blockreel.sampler;
