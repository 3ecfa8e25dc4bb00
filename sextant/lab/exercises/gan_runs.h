// The adversarial runs on MNIST that exercises 14.23 and 14.24 share, so that each is trained once.
#pragma once

#include "sextant/lab/experiment.h"
#include "sextant/lab/gan_panels.h"

namespace sextant {

constexpr int64_t kGanSeeds = 3;

// The toy GAN of section 14.5 with this beta1 for both players: 50 epochs at 0.5, which exercise 14.24 needs, and 15 at
// 0.9. WGAN-GP: the same nets, 50 epochs. Seeds 0, 1, 2.
std::vector<PlannedRun> planned_gans(double beta1);
std::vector<PlannedRun> planned_wgan_gps();

// Their names, "gan-b05-s0" and "wgan-gp-s0", with what a page calls the group.
panels::SeedGroup gan_group(double beta1, const std::string& title);
panels::SeedGroup wgan_gp_group();

}  // namespace sextant
