// Work is really shared: a file compiled without OpenMP would silently run everything on one thread.
#include "sextant/kernels/threads.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace sextant::kernels {
namespace {

TEST(ParallelJobs, EachJobRunsOnce) {
  for (int64_t jobs : {0, 1, 2, 3, 100}) {
    std::vector<int> runs(static_cast<size_t>(jobs), 0);
    parallel_jobs(jobs, [&](int64_t i) { ++runs[static_cast<size_t>(i)]; });
    EXPECT_EQ(runs, std::vector<int>(static_cast<size_t>(jobs), 1));
  }
}

std::set<int> threads_seen(int64_t jobs, int64_t least) {
  std::vector<int> thread(static_cast<size_t>(jobs));
  parallel_jobs(
      jobs, [&](int64_t i) { thread[static_cast<size_t>(i)] = omp_get_thread_num(); }, least);
  return {thread.begin(), thread.end()};
}

TEST(ParallelJobs, RunOnAsManyThreadsAsAreWorthIt) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(2);
  EXPECT_EQ(threads_seen(8, 1).size(), 2u);
  EXPECT_EQ(threads_seen(8, 4).size(), 2u);
  EXPECT_EQ(threads_seen(8, 5).size(), 1u);  // half of it would be less than 5
  EXPECT_EQ(threads_seen(1, 1).size(), 1u);
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace sextant::kernels
