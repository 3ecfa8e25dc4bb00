#include "sextant/train/trainer.h"

#include <ATen/Parallel.h>
#include <chrono>
#include <cmath>
#include <map>

#include "sextant/base/interrupt.h"
#include "sextant/base/machine.h"
#include "sextant/base/progress.h"
#include "sextant/tensor/borrowed_values.h"
#include "sextant/tensor/device.h"
#include "sextant/tensor/torch.h"
#include "sextant/train/checkpoint.h"
#include "sextant/train/optimiser.h"
#include "sextant/train/run_log.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kEvaluationBatch = 500;

// Running means of the loss parts of one player, weighted by items, in the order of the loss.
class Meter {
 public:
  void add(const Loss& loss, double total, int64_t items) {
    const double n = static_cast<double>(items);
    put("loss", total * n);
    for (const auto& [name, part] : loss.parts) put(name, part.item<double>() * n);
    items_ += n;
  }
  Json means() const {
    Json json = Json::object();
    for (const auto& [name, sum] : sums_.items()) json[name] = sum.get<double>() / items_;
    return json;
  }
  bool empty() const { return items_ == 0; }
  Json state() const { return {{"items", items_}, {"sums", sums_}}; }
  void set_state(const Json& state) {
    items_ = state.at("items").get<double>();
    sums_ = state.at("sums");
  }

 private:
  void put(const std::string& name, double value) { sums_[name] = sums_.value(name, 0.0) + value; }

  Json sums_ = Json::object();
  double items_ = 0;
};

Batch to_device(Batch batch, at::Device device) {
  if (device.is_cpu()) return batch;
  batch.x = batch.x.to(device);
  if (batch.labels.defined()) batch.labels = batch.labels.to(device);
  return batch;
}

std::vector<std::string> names_of(const torch::nn::Module& module, const Player& player) {
  std::map<const void*, std::string> known;
  for (const auto& item : module.named_parameters()) known[item.value().unsafeGetTensorImpl()] = item.key();
  std::vector<std::string> names;
  for (const Tensor& p : player.parameters) {
    SEXTANT_CHECK(known.contains(p.unsafeGetTensorImpl()), "[train] player ", player.name,
                  " has a parameter that its module did not register");
    names.push_back(known[p.unsafeGetTensorImpl()]);
  }
  return names;
}

void check_finite(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors)
    SEXTANT_CHECK(!tensor.is_floating_point() || tensor.isfinite().all().item<bool>(), "[train] ", name,
                  " holds values that are not finite, so nothing was saved; the last checkpoint is sound. Lower the "
                  "learning rate or set clip_norm");
}

// One session of training: the state between rounds and what happens in and after each.
class Session {
 public:
  Session(Trainable& model, const Dataset& data, const TrainConfig& config, const fs::path& folder,
          const TrainOptions& options);
  TrainOutcome run();

 private:
  void resume();
  void round();
  void player_step(size_t player);
  void log_window();
  void end_epoch(int64_t epoch);
  void checkpoint();
  void finish();
  // While what it returns lives, the model holds the averaged weights, where there is an average.
  BorrowedValues average() const;
  NamedTensors of_all(NamedTensors (Optimiser::*part)() const) const;
  double wall_s() const { return wall_before_s_ + std::chrono::duration<double>(Clock::now() - start_).count(); }
  int64_t epoch_now() const { return stream_.position() / stream_.batches_per_epoch(); }
  std::string detail() const;

  Trainable& model_;
  const Dataset& data_;
  const TrainConfig& config_;
  const fs::path& folder_;
  const TrainOptions& options_;
  const at::Device device_;
  const Rng rng_;
  BatchStream stream_;
  std::vector<Player> players_;
  std::vector<Optimiser> optimisers_;
  std::vector<Meter> window_, epoch_;  // one a player
  std::unique_ptr<RunLog> log_;
  Batch batch_;
  int64_t step_ = 0, rounds_ = 0, epochs_done_ = 0, items_seen_ = 0;
  double wall_before_s_ = 0;
  bool same_machine_ = true;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
};

Session::Session(Trainable& model, const Dataset& data, const TrainConfig& config, const fs::path& folder,
                 const TrainOptions& options)
    : model_(model),
      data_(data),
      config_(config),
      folder_(folder),
      options_(options),
      device_(model.device()),
      rng_(static_cast<uint64_t>(config.seed)),
      stream_(data.train, {.batch_size = config.batch_size, .drop_last = config.drop_last, .flip = config.flip},
              model.pixel_range(), rng_.split("order")),
      players_(model.players()) {
  SEXTANT_CHECK(!players_.empty(), "[train] the model has no player: nobody minimises anything");
  for (const Player& player : players_)
    SEXTANT_USAGE_CHECK(player.steps_per_round >= 1, "[train] player ", player.name, " takes ", player.steps_per_round,
                        " steps a round; at least 1 is needed");
  for (const auto& buffer : model.named_buffers())
    SEXTANT_USAGE_CHECK(config.ema_decay == 0 || !buffer.key().ends_with("running_var"),
                        "[train] the moving average is of weights, and the statistics of BatchNorm would be those of ",
                        "others; leave out train.ema_decay");
  const int64_t batches = stream_.batches_per_epoch(), a_round = players_[0].steps_per_round;
  rounds_ = config.epochs * batches / a_round;
  SEXTANT_USAGE_CHECK(rounds_ >= 1, "[train] ", data.train.size(), " items in batches of ", config.batch_size,
                      " do not make one step; lower train.batch_size or raise train.epochs");
  // No round may end two epochs: the last one takes what the others left, so the last but one must have ended before.
  SEXTANT_USAGE_CHECK(a_round <= batches && (rounds_ - 1) * a_round >= (config.epochs - 1) * batches, "[train] player ",
                      players_[0].name, " takes ", a_round, " steps a round and an epoch has ", batches,
                      " batches, so some epochs would end unseen; lower train.batch_size");
  for (const Player& player : players_)
    optimisers_.emplace_back(player, names_of(model, player), config.ema_decay, rounds_ * player.steps_per_round);
  window_.resize(players_.size());
  epoch_.resize(players_.size());
}

Json machine_record(at::Device device) {
  return {{"cpu", this_machine().cpu}, {"threads", at::get_num_threads()}, {"device", device_text(device)}};
}

void Session::resume() {
  RunLog::Position position;
  if (const auto newest = newest_checkpoint(folder_)) {
    const Checkpoint saved = load_checkpoint(*newest);
    const std::string source = newest->string();
    copy_tensors_(named_tensors(model_), saved.model, source);
    copy_tensors_(of_all(&Optimiser::moments), saved.optimiser, source);
    copy_tensors_(of_all(&Optimiser::averages), saved.average, source);
    const Json& state = saved.state;
    step_ = state.at("step").get<int64_t>();
    stream_.seek(state.at("batches").get<int64_t>());
    items_seen_ = state.at("items_seen").get<int64_t>();
    epochs_done_ = state.at("epochs_done").get<int64_t>();
    wall_before_s_ = state.at("wall_s").get<double>();
    position = {.bytes = state.at("log_bytes").get<int64_t>(), .event_bytes = state.at("event_bytes").get<int64_t>()};
    for (size_t p = 0; p < players_.size(); ++p) {
      optimisers_[p].set_steps(step_ * players_[p].steps_per_round);
      window_[p].set_state(state.at("window").at(p));
      epoch_[p].set_state(state.at("epoch").at(p));
    }
    Json began_on = state.at("machine");
    if (!began_on.contains("device")) began_on["device"] = device_text(at::kCPU);  // written before it was recorded
    const Json here = machine_record(device_);
    same_machine_ = began_on == here && state.at("same_machine").get<bool>();
    if (!same_machine_ && !options_.quiet)
      std::fprintf(stderr, "%s: goes on, but not to the same bytes: it began on %s, this is %s\n",
                   options_.title.c_str(), began_on.dump().c_str(), here.dump().c_str());
  }
  log_ = std::make_unique<RunLog>(folder_, position);
}

void Session::player_step(size_t p) {
  Rng noise = rng_.split("noise").split(static_cast<uint64_t>(optimisers_[p].steps())).split(p);
  const Loss loss = model_.loss(p, batch_, noise);
  const double total = loss.total.item<double>();
  if (!std::isfinite(total)) {
    std::string parts;
    for (const auto& [name, part] : loss.parts) parts += concat(" ", name, " = ", part.item<double>());
    throw Error(concat("[train] the loss of ", players_[p].name, " at step ", step_ + 1, " is not finite (", total, ";",
                       parts, "). The last checkpoint is sound: lower the learning rate or set clip_norm"));
  }
  // Gradients of this player's weights only: nobody else's are computed, and none is kept between steps.
  const auto gradients = torch::autograd::grad({loss.total}, players_[p].parameters, {}, std::nullopt, false, true);
  for (size_t i = 0; i < gradients.size(); ++i)
    SEXTANT_CHECK(gradients[i].defined(), "[train] the loss of ", players_[p].name,
                  " does not depend on its parameter ", names_of(model_, players_[p])[i]);
  optimisers_[p].step_(gradients);
  window_[p].add(loss, total, batch_.x.size(0));
  epoch_[p].add(loss, total, batch_.x.size(0));
}

void Session::round() {
  for (size_t p = 0; p < players_.size(); ++p)
    for (int64_t i = 0; i < players_[p].steps_per_round; ++i) {
      if (p == 0) {
        batch_ = to_device(stream_.next(), device_);
        items_seen_ += batch_.x.size(0);
      }
      player_step(p);
    }
  ++step_;
  model_.after_step(step_);
}

void Session::log_window() {
  for (size_t p = 0; p < players_.size(); ++p) {
    if (window_[p].empty()) continue;
    Json record = {{"kind", "step"}, {"step", step_}, {"items_seen", items_seen_}, {"player", players_[p].name}};
    record.update(window_[p].means());
    record["lr"] = learning_rate(players_[p].optimiser, optimisers_[p].steps(), rounds_ * players_[p].steps_per_round);
    record["wall_s"] = wall_s();
    log_->record(record, "train/" + players_[p].name);
    window_[p] = {};
  }
}

NamedTensors Session::of_all(NamedTensors (Optimiser::*part)() const) const {
  NamedTensors all;
  for (const Optimiser& optimiser : optimisers_) all.merge((optimiser.*part)());
  return all;
}

BorrowedValues Session::average() const {
  if (config_.ema_decay == 0) return {{}, {}, ""};
  return {of_all(&Optimiser::weights), of_all(&Optimiser::averages), "the average"};
}

void Session::end_epoch(int64_t epoch) {
  log_window();
  const auto record = [&](const char* split, const std::string& player, const Json& means) {
    Json line = {{"kind", "epoch"},           {"epoch", epoch}, {"step", step_},
                 {"items_seen", items_seen_}, {"split", split}, {"player", player}};
    line.update(means);
    line["wall_s"] = wall_s();
    log_->record(line, concat("epoch/", split, "/", player));
  };
  for (size_t p = 0; p < players_.size(); ++p) {
    record("train", players_[p].name, epoch_[p].means());
    epoch_[p] = {};
  }
  const BorrowedValues averaged = average();
  const Json test = evaluate(model_, data_.test, rng_.split("evaluate").split(static_cast<uint64_t>(epoch)));
  for (const auto& [player, means] : test.items()) record("test", player, means);
  if (std::ranges::find(config_.keep_epochs, epoch) != config_.keep_epochs.end())
    save_tensors(snapshot_file(folder_, epoch), named_tensors(model_));
  epochs_done_ = epoch;
}

void Session::checkpoint() {
  Checkpoint saved{.model = named_tensors(model_)};
  saved.optimiser = of_all(&Optimiser::moments);
  saved.average = of_all(&Optimiser::averages);
  for (const NamedTensors* tensors : {&saved.model, &saved.optimiser, &saved.average}) check_finite(*tensors);
  const RunLog::Position position = log_->flush();
  Json window = Json::array(), epoch = Json::array();
  for (size_t p = 0; p < players_.size(); ++p) {
    window.push_back(window_[p].state());
    epoch.push_back(epoch_[p].state());
  }
  saved.state = {{"step", step_},
                 {"batches", stream_.position()},
                 {"items_seen", items_seen_},
                 {"epochs_done", epochs_done_},
                 {"seed", config_.seed},
                 {"wall_s", wall_s()},
                 {"log_bytes", position.bytes},
                 {"event_bytes", position.event_bytes},
                 {"window", window},
                 {"epoch", epoch},
                 {"machine", machine_record(device_)},
                 {"same_machine", same_machine_}};
  save_checkpoint(folder_, saved);
  saved_ = Clock::now();
}

void Session::finish() {
  Metadata metadata = {{"format", "pt"}};  // what other readers of safetensors look for
  if (!options_.metadata.empty()) metadata["sextant"] = options_.metadata;
  {
    const BorrowedValues averaged = average();
    save_tensors(folder_ / "weights.safetensors", named_tensors(model_), metadata);
  }
  copy_tensors_(named_tensors(model_), load_tensors(folder_ / "weights.safetensors").tensors, folder_.string());
}

std::string Session::detail() const {
  std::string text = concat("epoch ", std::min(epoch_now() + 1, config_.epochs), "/", config_.epochs, "  step ", step_);
  char number[48];
  for (const Meter& meter : epoch_) {
    if (meter.empty()) continue;
    const Json means = meter.means();
    for (const auto& [name, mean] : means.items()) {
      std::snprintf(number, sizeof(number), "  %s %.4g", name.c_str(), mean.get<double>());
      text += number;
    }
  }
  return text;
}

TrainOutcome Session::run() {
  const PrecisionScope scope(config_.precision);
  resume();
  Progress progress(options_.title, rounds_, step_,
                    static_cast<double>(config_.batch_size * players_[0].steps_per_round), options_.quiet);
  model_.train();
  while (step_ < rounds_) {
    round();
    if (step_ % config_.log_every == 0) log_window();
    const bool epoch_ends = epoch_now() > epochs_done_ || step_ == rounds_;
    if (epoch_ends) end_epoch(step_ == rounds_ ? config_.epochs : epoch_now());
    progress.update(step_, [&] { return detail(); });
    const bool stop = interrupted();
    if (epoch_ends || stop || Clock::now() - saved_ > std::chrono::duration<double>(options_.checkpoint_every_s))
      checkpoint();
    if (stop && step_ < rounds_)
      throw Interrupted(concat("stopped after step ", step_, " of ", rounds_, "; everything is saved in ",
                               folder_.string(),
                               ". The same command goes on from here (`sextant train` with --resume)"));
  }
  finish();
  return {.steps = step_, .wall_s = wall_s(), .same_machine = same_machine_};
}

}  // namespace

fs::path snapshot_file(const fs::path& folder, int64_t epoch) {
  char name[40];
  std::snprintf(name, sizeof(name), "epoch-%04lld.safetensors", static_cast<long long>(epoch));
  return folder / "snapshots" / name;
}

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors named;
  for (const auto& item : module.named_parameters()) named[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) named[item.key()] = item.value();
  return named;
}

Json evaluate(Trainable& model, const Split& split, Rng rng) {
  const torch::NoGradGuard no_grad;
  const bool training = model.is_training();
  model.eval();
  Json result = Json::object();
  const auto players = model.players();
  const at::Device device = model.device();
  for (size_t p = 0; p < players.size(); ++p) {
    Meter meter;
    for (int64_t first = 0; first < split.size(); first += kEvaluationBatch) {
      const int64_t count = std::min(kEvaluationBatch, split.size() - first);
      const Batch batch = to_device(slice(split, first, count, model.pixel_range()), device);
      const Loss loss = model.loss(p, batch, rng);
      meter.add(loss, loss.total.item<double>(), count);
    }
    result[players[p].name] = meter.means();
  }
  model.train(training);
  return result;
}

TrainOutcome train(Trainable& model, const Dataset& data, const TrainConfig& config, const fs::path& folder,
                   const TrainOptions& options) {
  return Session(model, data, config, folder, options).run();
}

}  // namespace sextant
