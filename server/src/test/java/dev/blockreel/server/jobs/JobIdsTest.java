package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobIdsTest {
  @Test
  void jobsAreInTheOrderOfTheirMakingWhicheverServerMadeThem() {
    JobIds first = new JobIds("west_2");
    JobIds second = new JobIds("east");
    List<String> made =
        List.of(first.next(1000), second.next(2000), first.next(3000), first.next(3000));
    List<String> sorted = new ArrayList<>(made.subList(1, 4));
    sorted.add(made.get(0));
    sorted.sort(JobIds.BY_AGE);
    assertThat(sorted).isEqualTo(made);
    assertThat(made).allMatch(id -> id.startsWith("video_west_2_") || id.startsWith("video_east_"));
  }
}
