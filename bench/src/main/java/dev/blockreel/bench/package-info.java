/**
 * JMH benchmarks of what {@code ./blockreel bench} shows in short: single steps, prefill, drawing,
 * tokenizer, whole clips, loading. Names of models enter; JMH's tables leave. All measure published
 * sizes with random weights unless told otherwise ({@code -p preset=…}). Run them with {@code
 * ./blockreel run-jmh PATTERN [JMH's options]}. Read {@link dev.blockreel.bench.ModelState} first.
 */
package dev.blockreel.bench;
