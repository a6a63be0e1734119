/**
 * Training: folders of clips enter, model directories leave, with a log, a loss curve and sample
 * pictures on the way. The networks are those of {@code tokenizer}, {@code generator} and {@code
 * classifier}; nothing here samples. Read {@link dev.blockreel.train.TokenizerTraining} first, then
 * {@code TrainingLoop}.
 */
package dev.blockreel.train;
