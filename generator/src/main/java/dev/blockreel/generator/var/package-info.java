/**
 * Visual Autoregressive modelling: hints of coarser scales enter, logits of the next scale leave.
 * No loop over scales and no pixels here. Read {@link dev.blockreel.generator.var.Var} first, then
 * {@link dev.blockreel.generator.var.VarGenerator}.
 */
package dev.blockreel.generator.var;
