// The command line as a user meets it: help, JSON, exit codes, and errors that name the remedy.
#include <gtest/gtest.h>

#include "program.h"
#include "sextant/base/files.h"

namespace sextant::testing_program {
namespace {
namespace fs = std::filesystem;

TEST(Cli, EveryCommandHasHelpWithAnExample) {
  const ScratchFolder scratch;
  for (const char* command : {"list", "run", "train", "sample", "eval", "export", "report", "data", "info", "doctor"}) {
    const Said said = run({command, "--help"}, scratch.path());
    EXPECT_EQ(said.code, 0) << command;
    EXPECT_NE(said.out.find("Example: sextant " + std::string(command)), std::string::npos) << said.out;
  }
  EXPECT_EQ(run({"--help"}, scratch.path()).code, 0);
  EXPECT_NE(run({"--version"}, scratch.path()).out.find("sextant 0."), std::string::npos);
}

TEST(Cli, JsonIsOneDocumentOnStdout) {
  const ScratchFolder scratch;
  EXPECT_TRUE(run({"list", "--json"}, scratch.path()).json().at("exercises").is_array());
  EXPECT_TRUE(run({"data", "list", "--json"}, scratch.path()).json().at("data").is_array());
  const Json doctor = run({"doctor", "--json", "--threads", "2"}, scratch.path()).json();
  EXPECT_EQ(doctor.at("threads").at("seen"), doctor.at("threads").at("set"));
  EXPECT_TRUE(doctor.at("data").at("mnist").get<bool>());
  EXPECT_GT(doctor.at("bf16").at("convolution_speed_over_fp32").get<double>(), 0.05);
}

struct Mistake {
  std::vector<std::string> arguments;
  int code;
  const char* says;
};

TEST(CliSlow, MistakesEndWithTheirCodeAndNameTheRemedy) {
  const ScratchFolder scratch;
  const std::string recipe = (source_root() / "recipes" / "vae-mnist.toml").string();
  const std::string diffusion = (source_root() / "recipes" / "ddpm-mnist.toml").string();
  const std::string vae = (source_root() / "zoo" / "vae-mnist").string();
  const std::string classifier = (source_root() / "zoo" / "classifier-mnist").string();
  write_file(scratch.path() / "typo.toml", "[train]\nepoch = 3\n");
  write_file(scratch.path() / "broken.toml", "[train\nepochs = 3\n");
  write_file(scratch.path() / "points.toml", "[data]\nname = \"two_moons\"\n");
  write_file(scratch.path() / "junk.safetensors", "not a file of tensors");
  write_file(scratch.path() / "junk.pth", "PK\3\4 not a file of PyTorch");
  write_file(scratch.path() / "half" / "config.json", "{\"format\": 1, \"run\"");
  write_file(scratch.path() / "later" / "config.json", "{\"format\": 99}");
  write_file(scratch.path() / "damaged" / "config.json", "{\"format\": 1, \"run\": {}}");
  write_file(scratch.path() / "damaged" / "weights.safetensors", "");
  const Mistake mistakes[] = {
      {{}, 2, "subcommand"},
      {{"trian"}, 2, "did you mean 'train'"},
      {{"run", "14.99"}, 2, "did you mean '14.2"},
      {{"run", "14.21", "--scale", "huge"}, 2, "smoke | quick | full"},
      {{"run", "14.21", "--seed", "-1"}, 2, "--seed must be 0 to"},
      {{"train", recipe, "--set", "train.precision=bf16", "--device", "cuda"}, 2, "bf16 is of our CPU kernels"},
      {{"train", "absent.toml"}, 1, "does not exist"},
      {{"train", "typo.toml"}, 2, "did you mean 'train.epochs'"},
      {{"train", "broken.toml"}, 2, "broken.toml line 1"},
      {{"train", "points.toml"}, 2, "needs pictures"},
      {{"train", recipe, "--set", "train.epochs=0"}, 2, "at least 1"},
      {{"train", recipe, "--set", "data.name=mnits"}, 2, "mnist"},
      {{"train", recipe, "--set", "data.name=cifar10", "--set", "data.path=nowhere"}, 1, "sextant data fetch cifar10"},
      {{"train", recipe, "--device", "tpu"}, 2, "cpu, cuda or auto"},
      {{"train", recipe, "--tf32"}, 2, "add --device cuda"},
      {{"train", recipe, "--out", "/proc/sextant"}, 1, "can't make the folder"},
      {{"sample", "nowhere"}, 1, "is no run"},
      {{"sample", "half"}, 1, "config.json"},
      {{"sample", "later"}, 1, "another version"},
      {{"sample", "damaged"}, 1, "damaged"},
      {{"sample", "nowhere", "-n", "0"}, 2, "between 1 and"},
      {{"sample", classifier}, 2, "is no generative model"},
      {{"eval", "nowhere", "--metrics", "nlll"}, 2, "did you mean 'nll'"},
      {{"eval", "nowhere", "--metrics", "fid"}, 2, "sextant data fetch inception"},
      {{"eval", classifier, "--metrics", "fcd"}, 2, "is no generative model"},
      {{"eval", vae, "--metrics", "accuracy"}, 2, "needs a classifier"},
      {{"eval", vae, "--metrics", "fcd", "-n", "10001"}, 2, "between 1 and the 10000"},
      {{"eval", vae, "--metrics", "kid", "--classifier", vae}, 2, "is no classifier"},
      {{"eval", vae, "--metrics", "elbo", "--samples", "9"}, 2, "--samples is for log_likelihood"},
      {{"eval", vae, "--classifier", classifier}, 2, "--classifier is for scores"},
      {{"train", recipe, "--set", "model.learn_sigma=true"}, 2, "has no sigma"},
      {{"train", diffusion, "--set", "model.net.attention=[16]"}, 2, "there are only 28, 14, 7"},
      {{"train", recipe, "--set", "data.noise=0.3"}, 2, "for points of the plane"},
      {{"train", recipe, "--set", "data.name=shapes", "--set", "data.path=here"}, 2, "is made by the program"},
      {{"info", "junk.safetensors"}, 1, "junk.safetensors"},
      {{"data", "fetch", "nothing"}, 2, "mnist"},
      {{"data", "add", "mnist", "nowhere"}, 1, "nowhere"},
      {{"data", "add", "inception", "junk.safetensors"}, 1, "expected are 95628359"},
      {{"train", recipe, "--set", "data.name=inception"}, 2, "is no data set"},
      {{"info", "junk.pth"}, 1, "junk.pth is cut short or damaged"},
  };
  for (const Mistake& mistake : mistakes) {
    const Said said = run(mistake.arguments, scratch.path());
    std::string words;
    for (const auto& word : mistake.arguments) words += word + " ";
    EXPECT_EQ(said.code, mistake.code) << words << said.err;
    EXPECT_NE(said.err.find(mistake.says), std::string::npos) << words << said.err;
  }
}

TEST(Cli, ThePrecisionAskedForIsThatOfTheRecipeUnlessOneIsNamed) {
  const ScratchFolder scratch;
  const std::string recipe = (source_root() / "recipes" / "vae-mnist.toml").string();
  const auto precision = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"train", recipe, "--set", "train.precision=bf16", "--show", "--json"});
    return run(more, scratch.path()).json().at("train").at("precision");
  };
  EXPECT_EQ(precision({}), "bf16");
  EXPECT_EQ(precision({"--precision", "fp32"}), "fp32");
}

TEST(Cli, ErrorsAreJsonTooWhereItWasAskedFor) {
  const ScratchFolder scratch;
  const Said said = run({"run", "14.99", "--json"}, scratch.path());
  EXPECT_EQ(said.json().at("error").at("kind"), "usage");
}

// A name in a file may be any bytes; JSON may not.
TEST(Cli, NamesThatAreNoTextDontBreakTheJson) {
  const ScratchFolder scratch;
  std::string file = read_file(source_root() / "tests" / "fuzz" / "corpus" / "pytorch" / "old.pth");
  file[file.find("rows")] = '\xff';
  write_file(scratch.path() / "odd.pth", file);
  const Said listed = run({"info", "odd.pth", "--json"}, scratch.path());
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(listed.json().at("tensors").size(), 12u);
  file[file.find("K\x02K\x03\x86") + 1] = static_cast<char>(200);  // a shape beyond its storage
  write_file(scratch.path() / "odd.pth", file);
  const Said refused = run({"info", "odd.pth", "--json"}, scratch.path());
  EXPECT_EQ(refused.code, 1) << refused.err;
  EXPECT_EQ(refused.json().at("error").at("kind"), "failed");
}

// Samples are drawn once and scored by the classifier that ships; every record says what it was measured with.
TEST(Cli, ScoresOfSamplesCarryTheirFloorAndProvenance) {
  const ScratchFolder scratch;
  const std::string vae = (source_root() / "zoo" / "vae-mnist").string();
  const Said said =
      run({"eval", vae, "--metrics", "fcd,kid,precision_recall,inception_score,coverage,confidence,pairwise_distance",
           "-n", "300", "--json"},
          scratch.path());
  ASSERT_EQ(said.code, 0) << said.err;
  const Json rows = said.json().at("metrics");
  EXPECT_EQ(rows.size(), 7u);
  for (const auto& [name, row] : rows.items()) {
    const Json& from = row.at("provenance");
    EXPECT_EQ(from.at("n"), 300) << name;
    EXPECT_EQ(from.at("split"), "test") << name;
    EXPECT_TRUE(from.contains("preprocessing")) << name;
    EXPECT_EQ(from.at("classifier").at("version"), "mnist-v1") << name;
  }
  EXPECT_EQ(rows.at("fcd").at("metric"), "fcd-mnist-v1");
  EXPECT_GT(rows.at("fcd").at("fcd").get<double>(), 1.5 * rows.at("fcd").at("floor").at("fcd").get<double>());
  EXPECT_GT(rows.at("kid").at("kid").get<double>(), rows.at("kid").at("floor").at("kid").get<double>());
  EXPECT_EQ(rows.at("coverage").at("classes_covered"), 10);
}

// The thread from end to end: an exercise at smoke scale, its page, its numbers; then samples and measurements of its
// run.
TEST(CliSlow, AnExerciseRunsEndToEndAndReusesItsRuns) {
  const ScratchFolder scratch;
  const Said first = run({"run", "14.21", "--scale", "smoke", "--json"}, scratch.path());
  ASSERT_EQ(first.code, 0) << first.err;
  const Json result = first.json();
  EXPECT_EQ(result.at("exercise"), "14.21");
  EXPECT_EQ(result.at("scale"), "smoke");
  const fs::path page = scratch.path() / result.at("report").get<std::string>();
  EXPECT_NE(read_file(page).find("smoke"), std::string::npos);
  EXPECT_TRUE(fs::exists(scratch.path() / "report" / "index.html"));
  for (const char* name : {"curve-loss.csv", "curve-kl.csv", "reconstructions.png", "samples.png", "latent-map.png"})
    EXPECT_TRUE(fs::exists(page.parent_path() / name)) << name;
  ASSERT_FALSE(result.at("claims").empty());
  for (const Json& claim : result.at("claims")) EXPECT_TRUE(claim.contains("says") && claim.contains("verdict"));

  std::vector<fs::path> runs;
  for (const auto& entry : fs::directory_iterator(scratch.path() / "runs")) runs.push_back(entry.path());
  ASSERT_EQ(runs.size(), 2u);
  const auto trained_at = fs::last_write_time(runs[0] / "weights.safetensors");
  const Said second = run({"run", "14.21", "--scale", "smoke", "--json", "--check"}, scratch.path());
  EXPECT_EQ(second.json().at("results").dump(), result.at("results").dump());
  EXPECT_EQ(fs::last_write_time(runs[0] / "weights.safetensors"), trained_at);

  const std::string trained = runs[0].string();
  EXPECT_EQ(run({"sample", trained, "-n", "9", "-o", "grid.png"}, scratch.path()).code, 0);
  EXPECT_EQ(read_file(scratch.path() / "grid.png").substr(1, 3), "PNG");
  EXPECT_EQ(run({"sample", trained, "-n", "9", "-o", "again.png"}, scratch.path()).code, 0);
  EXPECT_EQ(read_file(scratch.path() / "grid.png"), read_file(scratch.path() / "again.png"));
  const Said measured = run(
      {"eval", trained, "--metrics", "elbo,log_likelihood,active_units", "--images", "10", "--samples", "50", "--json"},
      scratch.path());
  ASSERT_EQ(measured.code, 0) << measured.err;
  const Json metrics = measured.json().at("metrics");
  const auto number = [&](const char* metric, const char* key) { return metrics.at(metric).at(key).get<double>(); };
  EXPECT_NEAR(number("elbo", "elbo"), -number("elbo", "reconstruction") - number("elbo", "kl"), 1e-9);
  EXPECT_LE(number("log_likelihood", "effective_samples"), 50);
  // Of ten pictures and a whole split: the bound is that of the first, but for their spread.
  EXPECT_GT(number("log_likelihood", "log_p"), 1.5 * number("elbo", "elbo"));
  EXPECT_LT(number("log_likelihood", "log_p"), 0.5 * number("elbo", "elbo"));
  EXPECT_GT(
      run({"info", trained + "/weights.safetensors", "--json"}, scratch.path()).json().at("numbers").get<int64_t>(), 0);
}

}  // namespace
}  // namespace sextant::testing_program
