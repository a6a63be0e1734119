package dev.blockreel.cli;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.evaluate.Network;
import dev.blockreel.evaluate.NetworkInput;
import dev.blockreel.evaluate.OwnClassifier;
import dev.blockreel.evaluate.TorchScriptNetwork;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.script.ConvolutionProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which networks look at clips. */
final class NetworkFlags implements AutoCloseable {
  @Option(
      names = "--classifier",
      paramLabel = "MODEL|FILE",
      description =
          "What train classifier made, for class accuracy, inception score and Fréchet distance; or"
              + " a TorchScript file, which needs --classifier-input, for the first two.")
  private String classifier;

  @Option(
      names = "--classifier-input",
      split = ",",
      paramLabel = "KEY=VALUE",
      description =
          "What a TorchScript classifier takes and gives: frames=N (0: images), images=N of each"
              + " clip, side=PIXELS, range=unit|signed|uint8, gives=logits|probabilities|features;"
              + " any other name is an argument of its forward.")
  private Map<String, String> classifierInput = new HashMap<>();

  @Option(
      names = "--class-names",
      paramLabel = "FILE",
      description =
          "Names of a TorchScript classifier's classes, a line each. Default: the folders' names.")
  private Path classNames;

  @Option(
      names = "--fvd",
      paramLabel = "FILE",
      description =
          "Fréchet video distance with this TorchScript network; made for i3d_torchscript.pt:"
              + " 16 frames of 224x224 in [-1, 1], 400 features.")
  private Path fvd;

  @Option(
      names = "--fvd-input",
      split = ",",
      paramLabel = "KEY=VALUE",
      description = "Where --fvd is another network: as --classifier-input.")
  private Map<String, String> fvdInput = new HashMap<>();

  @Option(
      names = "--fid",
      paramLabel = "FILE",
      description =
          "Fréchet distance of single frames with this TorchScript network; made for"
              + " inception-2015-12-05.pt: bytes of any size, 2048 features.")
  private Path fid;

  @Option(
      names = "--fid-input",
      split = ",",
      paramLabel = "KEY=VALUE",
      description = "Where --fid is another network, or images=N: as --classifier-input.")
  private Map<String, String> fidInput = new HashMap<>();

  private final List<Network> loaded = new ArrayList<>();

  /** Loads the classifier, or returns null where none is asked for; closed with this. */
  Network loadClassifier() {
    if (classifier == null) {
      return null;
    }
    Path file = Path.of(classifier);
    if (Files.isRegularFile(file)) {
      if (classifierInput.isEmpty()) {
        throw EngineFailure.badRequest(
            "--classifier %s is a TorchScript file: say with --classifier-input what it takes",
            classifier);
      }
      NetworkInput none =
          new NetworkInput(
              0, 1, 0, NetworkInput.Range.UNIT, Map.of(), NetworkInput.Gives.PROBABILITIES);
      return keep(TorchScriptNetwork.load("classifier", file, with(none, classifierInput)));
    }
    return keep(OwnClassifier.load(ModelDirectory.open(ModelDirectory.resolve(classifier))));
  }

  /** Loads the networks for distances alone; closed with this. */
  List<Network> loadOthers() {
    List<Network> others = new ArrayList<>();
    if (fvd != null) {
      others.add(keep(TorchScriptNetwork.load("fvd", fvd, with(NetworkInput.I3D, fvdInput))));
    }
    if (fid != null) {
      others.add(keep(TorchScriptNetwork.load("fid", fid, with(NetworkInput.INCEPTION, fidInput))));
    }
    return others;
  }

  /** A line where TorchScript networks may say something wrong on this machine. */
  Optional<String> doubt() {
    boolean foreign =
        fvd != null
            || fid != null
            || classifier != null && Files.isRegularFile(Path.of(classifier));
    return foreign && !ConvolutionProbe.right()
        ? Optional.of(
            "libtorch computes some convolutions wrongly on this machine (see blockreel doctor):"
                + " what TorchScript networks say may be wrong")
        : Optional.empty();
  }

  private Network keep(Network network) {
    loaded.add(network);
    return network;
  }

  /** Names of the classifier's classes; empty where they are those of the folders. */
  List<String> names(Network network) {
    if (classNames != null) {
      try {
        return Files.readAllLines(classNames).stream().filter(line -> !line.isBlank()).toList();
      } catch (IOException e) {
        throw EngineFailure.media(e, "cannot read %s", classNames);
      }
    }
    return network instanceof OwnClassifier own ? own.classes() : List.of();
  }

  /** An input with some things changed. */
  static NetworkInput with(NetworkInput input, Map<String, String> changes) {
    int frames = input.frames();
    int images = input.images();
    int side = input.side();
    NetworkInput.Range range = input.range();
    NetworkInput.Gives gives = input.gives();
    Map<String, Object> options = new HashMap<>(input.options());
    for (Map.Entry<String, String> change : changes.entrySet()) {
      String value = change.getValue();
      try {
        switch (change.getKey()) {
          case "frames" -> frames = Integer.parseInt(value);
          case "images" -> images = Integer.parseInt(value);
          case "side" -> side = Integer.parseInt(value);
          case "range" -> range = NetworkInput.Range.valueOf(value.toUpperCase(Locale.ROOT));
          case "gives" -> gives = NetworkInput.Gives.valueOf(value.toUpperCase(Locale.ROOT));
          default -> options.put(change.getKey(), option(value));
        }
      } catch (IllegalArgumentException e) {
        throw EngineFailure.badRequest("a network's %s cannot be %s", change.getKey(), value);
      }
    }
    return new NetworkInput(frames, images, side, range, options, input.usual(), gives);
  }

  private static Object option(String value) {
    if (value.equals("true") || value.equals("false")) {
      return Boolean.valueOf(value);
    }
    return value.matches("-?\\d+") ? (Object) Long.valueOf(value) : Double.valueOf(value);
  }

  @Override
  public void close() {
    loaded.forEach(Network::close);
  }
}
