package dev.blockreel.checkpoint;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Which of some names someone may have meant. */
public final class Nearness {
  private Nearness() {}

  /** The names by the number of letters to change, fewest first. */
  public static List<String> sort(String meant, List<String> names) {
    String wanted = meant.toLowerCase(Locale.ROOT);
    return names.stream()
        .sorted(Comparator.comparingInt(name -> distance(wanted, name.toLowerCase(Locale.ROOT))))
        .toList();
  }

  /** Levenshtein's distance: letters to insert, delete or replace. */
  public static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
