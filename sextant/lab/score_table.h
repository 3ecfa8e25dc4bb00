// How pages show what metrics/sample_scores.h measures: columns, cells, caption, and one table.
#pragma once

#include "sextant/lab/experiment.h"

namespace sextant::panels {

// The score under `key`, or "–" where it has none (its record says why).
std::string score_text(const Json& score, const char* key, int decimals);

// Names of the columns, and the cells of one score under them.
const std::vector<std::string>& score_columns();
std::vector<std::string> score_cells(const Json& score);
std::string scores_caption(const ScoreBoard& board);

// Every number of a score -> <path>.<key>.
void put_scores(Results& results, const std::string& path, const Json& score);

// A table of scores with one row each, closed by the floor: real training pictures. Keeps the numbers as
// <path>.fcd …, floor.fcd …, real.confident.
class ScoreTable {
 public:
  ScoreTable(Results& results, const ScoreBoard& board);
  void add(const std::string& title, const std::string& path, const Json& score);
  Table finish();

 private:
  Results& results_;
  const ScoreBoard& board_;
  Table table_;
};

}  // namespace sextant::panels
