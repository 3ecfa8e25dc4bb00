#include "sextant/math/optimal_transport.h"

#define LEMON_ONLY_TEMPLATES  // headers alone, no library
#include <lemon/network_simplex.h>
#include <lemon/smart_graph.h>

#include <cmath>

#include "sextant/tensor/shape.h"
#include "sextant/tensor/torch.h"

namespace sextant {
namespace {

constexpr int64_t kMostArcs = 4'000'000;
constexpr double kResolution = 1LL << 40;  // of the largest cost; a path of potentials stays far below 2^63

}  // namespace

Transport optimal_transport(const Tensor& costs) {
  SEXTANT_CHECK(costs.dim() == 2 && costs.size(0) >= 1 && costs.size(1) >= 1 && costs.numel() <= kMostArcs,
                "[transport] costs [N,M] are wanted with N M from 1 to ", kMostArcs, "; got ", shape_text(costs),
                ". Take fewer points");
  const Tensor c = costs.to(at::kDouble).contiguous();
  const double largest = c.max().item<double>();
  SEXTANT_CHECK(std::isfinite(largest) && c.isfinite().all().item<bool>() && c.min().item<double>() >= 0,
                "[transport] costs must be finite and at least 0; got some from ", c.min().item<double>(), " to ",
                largest);
  const int64_t n = c.size(0), m = c.size(1);
  const double scale = largest > 0 ? kResolution / largest : 1;

  using Graph = lemon::SmartDigraph;
  Graph graph;
  graph.reserveNode(static_cast<int>(n + m));
  graph.reserveArc(static_cast<int>(n * m));
  for (int64_t i = 0; i < n + m; ++i) graph.addNode();
  const auto node = [&](int64_t i) { return graph.nodeFromId(static_cast<int>(i)); };
  Graph::NodeMap<int64_t> supply(graph);
  for (int64_t i = 0; i < n; ++i) supply[node(i)] = m;  // in units of 1/(N M): whole numbers for any N and M
  for (int64_t j = 0; j < m; ++j) supply[node(n + j)] = -n;
  Graph::ArcMap<int64_t> cost(graph);
  const double* const row_major = c.const_data_ptr<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j)
      cost[graph.addArc(node(i), node(n + j))] = std::llround(row_major[i * m + j] * scale);

  lemon::NetworkSimplex<Graph, int64_t, int64_t> simplex(graph);
  simplex.costMap(cost).supplyMap(supply);
  SEXTANT_CHECK(simplex.run() == decltype(simplex)::OPTIMAL,
                "[transport] the network simplex found no optimum of a "
                "problem that always has one: a bug");

  Transport found = {.plan = torch::zeros({n, m}, at::kDouble),
                     .f = torch::zeros({n}, at::kDouble),
                     .g = torch::zeros({m}, at::kDouble)};
  double* const plan = found.plan.data_ptr<double>();
  const double unit = 1 / static_cast<double>(n * m);
  for (int64_t arc = 0; arc < n * m; ++arc)
    plan[arc] = unit * static_cast<double>(simplex.flow(graph.arcFromId(static_cast<int>(arc))));
  // Reduced costs C + p(i) - p(j) are at least 0.
  for (int64_t i = 0; i < n; ++i) found.f[i] = -static_cast<double>(simplex.potential(node(i))) / scale;
  for (int64_t j = 0; j < m; ++j) found.g[j] = static_cast<double>(simplex.potential(node(n + j))) / scale;
  found.cost = (found.plan * c).sum().item<double>();
  return found;
}

double wasserstein1(const Tensor& x, const Tensor& y) {
  SEXTANT_CHECK(x.dim() == 2 && y.dim() == 2 && x.size(1) == y.size(1), "[transport] two sets of points [N,D] are ",
                "wanted; got ", shape_text(x), " and ", shape_text(y));
  const Tensor difference = x.to(at::kDouble).unsqueeze(1) - y.to(at::kDouble).unsqueeze(0);  // [N,M,D]
  return optimal_transport(difference.norm(2, 2)).cost;
}

}  // namespace sextant
