// A folder of one's own pictures as a data set.
#pragma once

#include <filesystem>

#include "sextant/data/dataset.h"

namespace sextant {

// Reads every .png, .jpg and .jpeg file under `folder`. Where the pictures lie in subfolders, each of these is a class,
// numbered in alphabetical order; pictures directly in the folder have no labels; a mixture is refused. Hidden files
// and files with other endings are passed over. `image_size` > 0: the centre square scaled to so many pixels a side; 0:
// as they are, and then all must have one size. Pictures are RGB, or grey (C = 1) if all are. A hash of its path within
// the folder puts about a tenth into the test split (one picture at least), so that adding pictures moves none from one
// split to the other. The order is alphabetical. Throws Error that names the file which can't be read; UsageError for a
// folder without at least two pictures.
Dataset load_image_folder(const std::filesystem::path& folder, int64_t image_size);

}  // namespace sextant
