/**
 * How fast a model is on this machine. A loaded {@link dev.blockreel.sampler.NbpPipeline} enters;
 * times leave, and what share they are of what the machine could do, which is measured as well.
 * Shared by the {@code bench} command and the JMH benchmarks. Read {@link
 * dev.blockreel.measure.Workload} first.
 */
package dev.blockreel.measure;
