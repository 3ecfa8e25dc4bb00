// Sharing work among OpenMP threads. LibTorch's at::set_num_threads sets the same number.
#pragma once

#include <omp.h>

#include <cstdint>

namespace sextant::kernels {

// Calls job(i) once for every i in [0, jobs), on as many threads as there are jobs at most. A job must not throw.
// Results do not depend on the number of threads as long as each job writes its own numbers.
template <class Job>
void parallel_jobs(int64_t jobs, const Job& job) {
  const int threads = static_cast<int>(jobs < omp_get_max_threads() ? jobs : omp_get_max_threads());
  if (threads <= 1 || omp_in_parallel()) {
    for (int64_t i = 0; i < jobs; ++i) job(i);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t i = 0; i < jobs; ++i) job(i);
}

}  // namespace sextant::kernels
