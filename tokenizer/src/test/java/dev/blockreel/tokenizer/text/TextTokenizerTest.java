package dev.blockreel.tokenizer.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextTokenizerTest {
  /** Knows four words and begins every text with {@code <s>}. */
  private static final String JSON =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [{"id": 1, "content": "<s>", "single_word": false, "lstrip": false,
         "rstrip": false, "normalized": false, "special": true}],
       "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "decoder": null,
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
       "model": {"type": "WordLevel", "unk_token": "<unk>",
         "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "apply": 3, "eye": 4, "makeup": 5}}}
      """;

  @TempDir Path folder;

  @Test
  void textsAreFilledUpAndCutOnTheRight() throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"), JSON);
    try (TextTokenizer tokenizer = TextTokenizer.open(file)) {
      assertThat(tokenizer.ids("apply eye makeup", 8)).containsExactly(1, 3, 4, 5, 2, 2, 2, 2);
      assertThat(tokenizer.ids("apply other makeup eye", 4)).containsExactly(1, 3, 0, 5);
      assertThat(tokenizer.ids("", 3)).containsExactly(1, 2, 2);
    }
  }

  @Test
  void otherFilesAreRefusedInOneLine() throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"), "{}");
    assertThatThrownBy(() -> TextTokenizer.open(file))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("is no tokenizer.json")
        .message()
        .hasLineCount(1);
    assertThatThrownBy(() -> TextTokenizer.open(folder.resolve("none.json")))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("there is no file");
  }
}
