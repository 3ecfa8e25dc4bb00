// Pages: one self-contained HTML file an exercise, and the index of them. A page is data, made of typed blocks; to_html
// is a pure function. The files load nothing from anywhere (a content security policy says so), run no script, follow
// the reader's light or dark, and print. Whatever was not run at full scale is marked in the head and at every figure.
// Texts are plain, but for **bold**, *emphasis* and `code` where marked "lite"; everything is escaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sextant/report/image_grid.h"
#include "sextant/report/picture.h"
#include "sextant/report/svg_plot.h"

namespace sextant {

using Image = std::variant<Plot, ImageGrid, Picture>;

struct Heading {
  std::string text = {};
};
struct Paragraph {
  std::string text = {};  // lite; an empty line starts a new paragraph
};
struct Figure {
  Image image = {};
  std::string caption = {};    // lite
  std::string data_href = {};  // relative path of the CSV or PNG beside the page; empty: no link
};
struct Table {
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::string>> rows =
      {};                    // lite; columns whose cells all start like numbers stand on the right
  std::string caption = {};  // lite
};

enum class Verdict { kHolds, kFails, kNotRun };
const char* to_text(Verdict verdict);  // "holds", "fails", "not run"

struct CheckedClaim {
  std::string says = {};  // lite: "the KL term at β = 20 is below that at β = 0.1"
  Verdict verdict = Verdict::kNotRun;
  std::string numbers = {};  // lite: what was measured
};
struct Claims {
  std::vector<CheckedClaim> claims = {};
};

using Block = std::variant<Heading, Paragraph, Figure, Table, Claims>;

// How a page came to be; an empty field is left out.
struct Provenance {
  std::string scale = {};           // "smoke" and "quick" are marked as no results; "full"; empty: not a run
  std::vector<int64_t> seeds = {};  // of the runs, without repetition
  std::string device = {}, precision = {};
  std::optional<double> wall_s = {};
  std::vector<std::pair<std::string, std::string>> runs = {};  // name and fingerprint
  std::vector<std::string> samples = {};                       // the machines that drew them, where that is kept
  std::string cpu = {}, libtorch = {}, version = {};           // version: of sextant
  std::string command = {};                                    // reproduces the page
};

struct Page {
  std::string title = {};     // "14.21 A variational autoencoder on MNIST"
  std::string question = {};  // lite; stands below the title
  Provenance provenance = {};
  std::vector<Block> blocks = {};
  std::string index_href = {};  // relative path of the index; empty: no link
};

struct IndexEntry {
  std::string id = {}, title = {}, question = {};  // question: lite
  std::string href = {};                           // relative path of the page; empty: not run yet
  std::string scale = {};
  int holds = 0, fails = 0, not_run = 0;  // claims
  std::optional<Image> thumbnail = {};
};
struct IndexPage {
  std::string title = {}, intro = {};  // intro: lite
  std::vector<IndexEntry> entries = {};
};

// The whole document. Throws Error when a figure contradicts itself, a row of a table is longer or shorter than its
// head, or a link is no relative path.
std::string to_html(const Page& page);
std::string to_html(const IndexPage& page);

}  // namespace sextant
