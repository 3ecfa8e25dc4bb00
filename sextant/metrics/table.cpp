#include "sextant/metrics/table.h"

namespace sextant {

const std::vector<MetricRow>& metrics() {
  static const std::vector<MetricRow> all = [] {
    std::vector<MetricRow> rows = likelihood_metrics();
    for (const MetricRow& row : sample_metrics()) rows.push_back(row);
    return rows;
  }();
  return all;
}

}  // namespace sextant
