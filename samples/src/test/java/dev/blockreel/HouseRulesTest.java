package dev.blockreel;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rules of CONTRIBUTING.md that a program can check, over the code of all modules. */
class HouseRulesTest {
  private static final String ROOT_PACKAGE = "dev.blockreel.";
  private static final int LONGEST_FILE = 500;

  /** This is the last module to be built, so the others are compiled. */
  private static final Path CHECKOUT = Path.of("").toAbsolutePath().getParent();

  private static JavaClasses house;

  @BeforeAll
  static void readAllModules() throws IOException {
    List<Path> modules;
    try (Stream<Path> folders = Files.list(CHECKOUT)) {
      modules =
          folders.map(folder -> folder.resolve("target/classes")).filter(Files::exists).toList();
    }
    house = new ClassFileImporter().importPaths(modules);
    assertThat(house.contain("dev.blockreel.cli.Main")).isTrue();
  }

  @Test
  void modulesUseOnlyThoseToTheirLeft() {
    LayeredArchitecture modules =
        layeredArchitecture()
            .consideringAllDependencies()
            .layer("tokenizer")
            .definedBy(
                packages(
                    "failure",
                    "progress",
                    "grid",
                    "script",
                    "nn",
                    "checkpoint",
                    "media",
                    "tokenizer"))
            .layer("generator")
            .definedBy(packages("generator", "classifier", "train"))
            .layer("sampler")
            .definedBy(packages("sampler", "evaluate", "measure"))
            .layer("server")
            .definedBy(packages("server", "cli"))
            .optionalLayer("bench")
            .definedBy(packages("bench"))
            .optionalLayer("samples")
            .definedBy(packages("samples"))
            .ensureAllClassesAreContainedInArchitecture()
            .whereLayer("generator")
            .mayOnlyBeAccessedByLayers("sampler", "server", "bench", "samples")
            .whereLayer("sampler")
            .mayOnlyBeAccessedByLayers("server", "bench", "samples")
            .whereLayer("server")
            .mayOnlyBeAccessedByLayers("bench", "samples")
            .whereLayer("bench")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("samples")
            .mayNotBeAccessedByAnyLayer();
    modules.check(house);
  }

  private static String[] packages(String... names) {
    return Stream.of(names).map(name -> ROOT_PACKAGE + name + "..").toArray(String[]::new);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT_PACKAGE + "(**)").should().beFreeOfCycles().check(house);
  }

  @ParameterizedTest
  @CsvSource({
    "ai.djl, script",
    "com.sun.jna, script",
    "org.bytedeco, media",
    "io.vertx, server",
    "picocli, cli"
  })
  void librariesStayBehindTheirPackage(String library, String owner) {
    String also =
        switch (library) {
          case "picocli" -> "samples"; // programs of their own, with arguments of their own
          case "ai.djl" -> "tokenizer.text"; // DJL's tokenizers do without its engine
          default -> owner;
        };
    noClasses()
        .that()
        .resideOutsideOfPackages(packages(owner, also))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library + "..")
        .check(house);
  }

  @Test
  void packagesAreConcepts() {
    noClasses()
        .should()
        .resideInAnyPackage("..util..", "..common..", "..misc..", "..helper..")
        .check(house);
  }

  @Test
  void packagesSayWhatTheyAreFor() throws IOException {
    assertThat(sources("main"))
        .extracting(Path::getParent)
        .allSatisfy(folder -> assertThat(folder.resolve("package-info.java")).exists());
  }

  @Test
  void filesAreShortAndFinished() throws IOException {
    // Written apart, so that this file does not contain it.
    Pattern unfinished = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b");
    List<Path> files = new ArrayList<>(sources("main"));
    files.addAll(sources("test"));
    for (Path file : files) {
      assertThat(Files.readAllLines(file))
          .as("%s", CHECKOUT.relativize(file))
          .hasSizeLessThan(LONGEST_FILE)
          .noneMatch(line -> unfinished.matcher(line).find());
    }
  }

  /** All Java files of the modules under {@code src/main} or {@code src/test}. */
  private static List<Path> sources(String part) throws IOException {
    List<Path> found = new ArrayList<>();
    try (Stream<Path> modules = Files.list(CHECKOUT)) {
      for (Path module : modules.toList()) {
        Path root = module.resolve("src").resolve(part).resolve("java");
        if (Files.isDirectory(root)) {
          try (Stream<Path> files = Files.walk(root)) {
            files.filter(file -> file.toString().endsWith(".java")).forEach(found::add);
          }
        }
      }
    }
    assertThat(found).isNotEmpty();
    return found;
  }
}
