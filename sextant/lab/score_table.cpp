#include "sextant/lab/score_table.h"

#include "sextant/base/number_text.h"

namespace sextant::panels {

std::string score_text(const Json& score, const char* key, int decimals) {
  const auto found = score.find(key);
  return found != score.end() && found->is_number() ? fixed(found->get<double>(), decimals) : "–";
}

const std::vector<std::string>& score_columns() {
  static const std::vector<std::string> names = {"FCD", "KID", "prec.", "recall", "IS", "classes", "sure"};
  return names;
}

std::vector<std::string> score_cells(const Json& score) {
  return {score_text(score, "fcd", 2),
          score_text(score, "kid", 3),
          score_text(score, "precision", 3),
          score_text(score, "recall", 3),
          score_text(score, "inception_score", 2),
          score_text(score, "classes_covered", 0),
          score_text(score, "confident", 3)};
}

std::string scores_caption(const ScoreBoard& board) {
  return concat(
      "Each row against the same ", board.count(),
      " test pictures. FCD: Fréchet distance between features of our own classifier (", board.text(),
      "); no FID, and comparable inside this program only. On the same features KID, precision (the share of samples ",
      "that lie among real pictures) and recall (the share of real pictures that lie among samples); IS on its ",
      "probabilities; sure: share of pictures whose class it gives at least 0.9. A model that repeats one good "
      "picture ",
      "is precise and sure, with a recall near 0. Rounded to 8 bits first.");
}

void put_scores(Results& results, const std::string& path, const Json& score) {
  for (const auto& [key, value] : score.items())
    if (value.is_number()) results.put(concat(path, ".", key), value);
}

ScoreTable::ScoreTable(Results& results, const ScoreBoard& board) : results_(results), board_(board) {
  table_ = {.columns = {"pictures"}, .caption = scores_caption(board)};
  table_.columns.insert(table_.columns.end(), score_columns().begin(), score_columns().end());
}

void ScoreTable::add(const std::string& title, const std::string& path, const Json& score) {
  put_scores(results_, path, score);
  std::vector<std::string> cells = {title};
  for (std::string& cell : score_cells(score)) cells.push_back(std::move(cell));
  table_.rows.push_back(std::move(cells));
}

Table ScoreTable::finish() {
  add("real training pictures (the floor)", "floor", board_.floor());
  results_.put("real.confident", board_.real_confident());
  return table_;
}

}  // namespace sextant::panels
