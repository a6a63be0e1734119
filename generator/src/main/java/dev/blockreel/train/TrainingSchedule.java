package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import java.util.List;

/**
 * How long and how fast a training learns.
 *
 * @param steps optimiser steps in all
 * @param batch clips per step
 * @param learningRate peak of the learning rate, reached after {@code warmup} steps and falling to
 *     0 along a cosine
 * @param warmup steps of linear rise
 * @param weightDecay AdamW's decay, on matrices and kernels only
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param clip largest norm of the gradient
 * @param ema decay of the averaged weights, which become the model; smaller in the first steps;
 *     step 0 starts it
 * @param dtype {@code bf16} or {@code fp32}: in what products are computed; weights are always kept
 *     in fp32
 * @param seed of the first weights and of the order of the data
 * @param saveMinutes minutes between savings of the state
 * @param previewSteps steps between sample pictures
 * @param optimizer {@code adamw} or {@code muon}: {@link Muon} with {@code beta1} for matrices and
 *     kernels, AdamW for the rest; learns more a step, and a step of a small network takes a third
 *     longer
 */
public record TrainingSchedule(
    int steps,
    int batch,
    double learningRate,
    int warmup,
    double weightDecay,
    double beta1,
    double beta2,
    double clip,
    double ema,
    String dtype,
    long seed,
    double saveMinutes,
    int previewSteps,
    String optimizer) {
  /** Checks the ranges. */
  public TrainingSchedule {
    Range.require("steps", steps, 1, Integer.MAX_VALUE);
    Range.require("batch", batch, 1, Range.COUNT);
    Range.require("warmup", warmup, 0, Integer.MAX_VALUE);
    Range.require("previewSteps", previewSteps, 1, Integer.MAX_VALUE);
    if (!(learningRate > 0) || !(clip > 0) || weightDecay < 0 || !(saveMinutes > 0)) {
      throw EngineFailure.badRequest(
          "training needs learningRate, clip and saveMinutes above 0 and weightDecay of at least 0:"
              + " got %s, %s, %s, %s",
          learningRate, clip, saveMinutes, weightDecay);
    }
    if (!List.of("fp32", "bf16").contains(dtype)) {
      throw EngineFailure.badRequest("training computes in fp32 or bf16: got dtype %s", dtype);
    }
    if (optimizer == null || !List.of("adamw", "muon").contains(optimizer)) {
      throw EngineFailure.badRequest("optimizer is adamw or muon: got %s", optimizer);
    }
    for (double decay : new double[] {beta1, beta2, ema}) {
      if (!(decay >= 0 && decay < 1)) {
        throw EngineFailure.badRequest("beta1, beta2 and ema lie in [0, 1): got %s", decay);
      }
    }
  }

  /** Whether matrices and kernels learn by {@link Muon}. */
  boolean muon() {
    return optimizer.equals("muon");
  }

  /** How it computes. */
  Numerics numerics() {
    return Numerics.training(Dtype.parse(dtype));
  }

  /** Learning rate of a step, counted from 0. */
  public double learningRate(int step) {
    double rise = Math.min(1, (step + 1.0) / Math.max(1, warmup));
    double fall = 0.5 * (1 + Math.cos(Math.PI * Math.min(1, (double) step / steps)));
    return learningRate * rise * fall;
  }

  /** Share of the old average that a step keeps. */
  public double ema(int step) {
    return Math.min(ema, step / (step + 10.0));
  }
}
