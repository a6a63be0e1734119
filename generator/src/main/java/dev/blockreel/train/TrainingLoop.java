package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.Numerics;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Runs a {@link TrainingTask} step by step. Under the output folder: {@code state.safetensors}
 * (everything needed to go on, replaced whole every few minutes), {@code log.tsv}, {@code
 * loss.png}, {@code previews/} and {@code model/}.
 *
 * <p>The batch of a step depends on the seed and the step alone, so a resumed run sees the data
 * that it would have seen.
 */
final class TrainingLoop<B> {
  private static final int LOG_STEPS = 20;

  private final TrainingTask<B> task;
  private final TrainingSchedule schedule;
  private final TrainingFolder out;
  private final PrintStream console;

  TrainingLoop(
      TrainingTask<B> task, TrainingSchedule schedule, TrainingFolder out, PrintStream console) {
    this.task = task;
    this.schedule = schedule;
    this.out = out;
    this.console = console;
  }

  /**
   * Trains to the last step.
   *
   * @param resume whether to go on from the saved state, which must then exist; else none may exist
   */
  void run(boolean resume) {
    TrainingFacts facts = TrainingFacts.of(task.recipe(), task.classes());
    TrainingFolder.require(out.path(), resume, facts);
    Numerics numerics = schedule.numerics();
    ScriptWriter writer = new ScriptWriter("Training");
    task.write(writer);
    TrainingStep.write(writer, task.inputs(), task.weights(), schedule);
    ExecutorService loader = Executors.newSingleThreadExecutor(r -> daemon(r, "batches"));
    try (Script script = writer.compile();
        TrainingState state =
            resume
                ? TrainingState.load(task.weights(), out.state(), facts, numerics)
                : task.start(schedule.seed(), numerics);
        TrainingLog log = new TrainingLog(out.path(), task.measures(), state.step());
        ProgressLine progress = ProgressLine.onOutput(console)) {
      Path model = out.model();
      Runnable save =
          () -> {
            state.save(out.state(), facts);
            task.export(state, model);
          };
      if (state.step() < schedule.steps()) {
        steps(script, state, log, progress, loader, save);
      } else {
        task.export(state, model); // whoever ended the last run may have done so before this
        progress.note(
            "nothing left to train: step %d of %d is done"
                .formatted(state.step(), schedule.steps()));
      }
      progress.note("model: " + model);
    } finally {
      loader.shutdownNow();
    }
  }

  private void steps(
      Script script,
      TrainingState state,
      TrainingLog log,
      ProgressLine progress,
      ExecutorService loader,
      Runnable save) {
    CompletableFuture<B> next = batch(state.step(), loader);
    long began = System.nanoTime();
    long saved = began;
    int first = state.step();
    double[] sums = null;
    int summed = 0;
    while (state.step() < schedule.steps()) {
      int step = state.step();
      long stepBegan = System.nanoTime();
      B batch = join(next);
      next = batch(step + 1, loader);
      float[] measured = step(script, state, batch);
      state.advance(seconds(stepBegan));
      sums = sums == null ? new double[measured.length] : sums;
      for (int i = 0; i < measured.length; i++) {
        sums[i] += measured[i];
      }
      summed++;
      if (state.step() % LOG_STEPS == 0 || state.step() == schedule.steps()) {
        double rate = (state.step() - first) / seconds(began);
        log.add(state.step(), schedule.learningRate(step), sums, summed);
        progress.show("%s", describe(state.step(), rate, sums, summed));
        sums = null;
        summed = 0;
      }
      boolean previewed =
          state.step() % schedule.previewSteps() == 0 || state.step() == schedule.steps();
      if (previewed || seconds(saved) > schedule.saveMinutes() * 60) {
        // Before the preview: one that fails must not cost what was learned.
        save.run();
        saved = System.nanoTime();
      }
      if (previewed) {
        Path picture = out.preview(String.format(Locale.ROOT, "step_%07d.png", state.step()));
        String line = task.preview(script, state, picture);
        progress.note("step %d: %s".formatted(state.step(), line));
        log.drawCurve();
      }
    }
  }

  private float[] step(Script script, TrainingState state, B batch) {
    try (TensorScope scope = TensorScope.open()) {
      int step = state.step();
      List<Tensor> inputs = new ArrayList<>(task.upload(scope, batch));
      float[] rates = {(float) schedule.learningRate(step), step + 1, (float) schedule.ema(step)};
      inputs.add(scope.floats(rates, rates.length));
      float[] measured = script.train(scope, "train", inputs, state.list()).toFloats();
      if (!Float.isFinite(measured[0])) {
        throw new EngineFailure(
            FailureCode.UNSUPPORTED,
            "the loss became %s at step %d: a lower learning rate or a longer warm-up may help"
                .formatted(measured[0], step));
      }
      return measured;
    }
  }

  private CompletableFuture<B> batch(int step, ExecutorService loader) {
    long seed = schedule.seed() * 0x9E3779B97F4A7C15L + step;
    return CompletableFuture.supplyAsync(() -> task.batch(new SplittableRandom(seed)), loader);
  }

  private B join(CompletableFuture<B> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private String describe(int step, double rate, double[] sums, int count) {
    int width = 24;
    int filled = (int) ((long) step * width / schedule.steps());
    Duration left = Duration.ofSeconds((long) ((schedule.steps() - step) / Math.max(rate, 1e-9)));
    StringBuilder line = new StringBuilder();
    line.append(
        String.format(
            Locale.ROOT,
            "[%s%s] %d/%d",
            "=".repeat(filled),
            " ".repeat(width - filled),
            step,
            schedule.steps()));
    for (int i = 0; i < task.measures().size(); i++) {
      line.append(String.format(Locale.ROOT, "  %s %.4f", task.measures().get(i), sums[i] / count));
    }
    line.append(
        String.format(
            Locale.ROOT,
            "  %.2f steps/s  %d:%02d:%02d left",
            rate,
            left.toHours(),
            left.toMinutesPart(),
            left.toSecondsPart()));
    return line.toString();
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }
}
