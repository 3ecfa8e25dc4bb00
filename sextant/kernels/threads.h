// Sharing work among OpenMP threads. LibTorch's at::set_num_threads sets the same number.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace sextant::kernels {

// Calls job(i) once for every i in [0, jobs). Each thread gets at least `least` jobs: waking one costs a microsecond,
// and more where the cores are busy. A job must not throw. Results do not depend on the number of threads as long as
// each job writes its own numbers.
template <class Job>
void parallel_jobs(int64_t jobs, const Job& job, int64_t least = 1) {
  const int threads = static_cast<int>(std::min<int64_t>(jobs / least, omp_get_max_threads()));
  if (threads <= 1 || omp_in_parallel()) {
    for (int64_t i = 0; i < jobs; ++i) job(i);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t i = 0; i < jobs; ++i) job(i);
}

}  // namespace sextant::kernels
