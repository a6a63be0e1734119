package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What can be said of the page without a browser. How it behaves in one is tested by {@code
 * server/src/test/browser/run}.
 */
class PageTest {
  private static final Path FOLDER = folder();

  @Test
  void thePageObeysAStrictContentSecurityPolicy() {
    String html = read("index.html");
    assertThat(html).doesNotContainPattern("<script(?![^>]*\\bsrc=)").doesNotContain("<style");
    assertThat(html).doesNotContainPattern("\\s(style|on[a-z]+)=\"").doesNotContain("javascript:");
    for (String module : names(".js")) {
      assertThat(read(module)).doesNotContainPattern("\\beval\\(|new Function|innerHTML|outerHTML");
    }
  }

  @Test
  void nothingComesFromElsewhere() {
    for (String name : names("")) {
      String text = read(name).replace("http://www.w3.org/2000/svg", "");
      assertThat(text).as(name).doesNotContainPattern("https?://").doesNotContain("@import");
      assertThat(text).as(name).doesNotContainPattern("url\\((?!#)");
    }
  }

  @Test
  void everyFileThatIsNamedExists() {
    Set<String> named = all("(?:src|href)=\"([\\w.-]+\\.(?:js|css|svg))\"", read("index.html"));
    for (String module : names(".js")) {
      named.addAll(all("from '\\./([^']+)'", read(module)));
    }
    assertThat(named).isNotEmpty().isSubsetOf(names(""));
    named.add("index.html");
    assertThat(names("")).as("files that nothing names").isSubsetOf(named);
  }

  @Test
  void everyElementThatAModuleWantsIsThere() {
    String html = read("index.html");
    Set<String> ids = all("\\bid=\"([^\"]+)\"", html);
    for (String module : names(".js")) {
      String code = read(module);
      assertThat(ids).as(module).containsAll(all("\\$\\('([^']+)'\\)", code));
      assertThat(ids).as(module).containsAll(all("getElementById\\('([^']+)'\\)", code));
      assertThat(ids).as(module).containsAll(all("symbol\\('([^']+)'\\)", code));
    }
    assertThat(ids).containsAll(all("<use href=\"#([^\"]+)\"", html));
    assertThat(ids).containsAll(all("\\bfor=\"([^\"]+)\"", html));
    assertThat(ids).containsAll(all("aria-(?:labelledby|describedby)=\"([^\"]+)\"", html));
  }

  @Test
  void everyButtonHasAName() {
    List<String> nameless =
        Pattern.compile("<button[^>]*>(.*?)</button>", Pattern.DOTALL)
            .matcher(read("index.html"))
            .results()
            .filter(
                button ->
                    !button.group().contains("aria-label=")
                        // Some get their words, or are hidden, until they are needed.
                        && !button.group().contains("hidden")
                        && button.group(1).replaceAll("<svg.*?</svg>", "").isBlank())
            .map(MatchResult::group)
            .toList();
    assertThat(nameless).isEmpty();
  }

  private static Set<String> all(String pattern, String text) {
    Set<String> found = new TreeSet<>();
    Pattern.compile(pattern).matcher(text).results().forEach(match -> found.add(match.group(1)));
    return found;
  }

  private static Set<String> names(String ending) {
    try (Stream<Path> files = Files.list(FOLDER)) {
      Set<String> names = new TreeSet<>();
      files.map(file -> file.getFileName().toString()).forEach(names::add);
      names.removeIf(name -> !name.endsWith(ending));
      return names;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String read(String name) {
    try {
      return Files.readString(FOLDER.resolve(name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Path folder() {
    try {
      return Path.of(PageTest.class.getResource("/dev/blockreel/server/page/index.html").toURI())
          .getParent();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
