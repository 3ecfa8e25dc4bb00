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

Json measure_by_name(const std::string& name, const EvalRequest& request) {
  for (const MetricRow& row : metrics())
    if (name == row.name) return row.measure(request);
  throw Error(concat("[metrics] there is no measure '", name, "'"));
}

}  // namespace sextant
