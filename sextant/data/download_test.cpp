#include "sextant/data/download.h"

#include <gtest/gtest.h>

#include "sextant/base/files.h"
#include "sextant/base/interrupt.h"
#include "sextant/base/scratch.h"
#include "sextant/data/test_server.h"
#include "sextant/data/test_support.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

const std::string kBody = [] {
  std::string body;
  for (int i = 0; i < 20000; ++i) body += concat(i, ' ');
  return body;
}();
const size_t kHalf = kBody.size() / 2;

DownloadOptions options() {
  DownloadOptions options;
  options.max_bytes = static_cast<int64_t>(kBody.size());
  options.check = [](const fs::path& file) { SEXTANT_CHECK(read_file(file) == kBody, "wrong bytes"); };
  options.stall_s = 1;
  return options;
}

class Download : public testing::Test {
 protected:
  const ScratchFolder scratch_;
  const fs::path target_ = scratch_.path() / "set.bin", partial_ = scratch_.path() / "set.bin.partial";
  void expect_fetched() const {
    EXPECT_EQ(read_file(target_), kBody);
    EXPECT_FALSE(fs::exists(partial_));
  }
};

TEST_F(Download, FetchesChecksAndTellsHowFarItIs) {
  const TestServer server({{"/a", {.body = kBody}}});
  DownloadOptions with_progress = options();
  int64_t done = 0, total = 0;
  with_progress.progress = [&](int64_t d, int64_t t) { done = d, total = t; };
  download({server.url("/a")}, target_, with_progress);
  expect_fetched();
  EXPECT_EQ(done, static_cast<int64_t>(kBody.size()));
  EXPECT_EQ(total, static_cast<int64_t>(kBody.size()));
}

TEST_F(Download, TakesTheNextMirrorWhenOneFails) {
  std::string flipped = kBody;
  flipped[100] ^= 1;
  const TestServer server(
      {{"/wrong", {.body = flipped}}, {"/long", {.body = kBody + "more"}}, {"/good", {.body = kBody}}});
  download({"http://127.0.0.1:1/none", server.url("/missing"), server.url("/wrong"), server.url("/long"),
            server.url("/good")},
           target_, options());
  expect_fetched();
}

TEST_F(Download, FollowsARedirectButNeverToAFile) {
  const TestServer server({{"/good", {.body = kBody}}});
  TestServer& to_set = const_cast<TestServer&>(server);
  to_set.set("/moved", {.status = 302, .location = server.url("/good")});
  to_set.set("/trap", {.status = 302, .location = "file:///etc/hostname"});
  download({server.url("/moved")}, target_, options());
  expect_fetched();
  EXPECT_THROW(download({server.url("/trap")}, scratch_.path() / "trap", options()), Error);
  EXPECT_THROW(download({"file:///etc/hostname"}, scratch_.path() / "trap", options()), Error);
}

TEST_F(Download, ABrokenTransferGoesOnWhereItStopped) {
  const TestServer server({{"/cut", {.body = kBody, .stop_after = kHalf}}});
  download({server.url("/cut")}, target_, options());
  expect_fetched();
  EXPECT_EQ(server.requests(), (std::vector<std::string>{"/cut", concat("/cut from ", kHalf)}));
}

TEST_F(Download, ALaterCallGoesOnWhereAnEarlierOneStopped) {
  write_file(partial_, kBody.substr(0, kHalf));
  const TestServer server({{"/a", {.body = kBody}}});
  download({server.url("/a")}, target_, options());
  expect_fetched();
  EXPECT_EQ(server.requests(), std::vector<std::string>{concat("/a from ", kHalf)});
}

TEST_F(Download, AServerWithoutRangesSendsAllAgain) {
  write_file(partial_, kBody.substr(0, kHalf));
  const TestServer server({{"/a", {.body = kBody, .ranges = false}}});
  download({server.url("/a")}, target_, options());
  expect_fetched();
}

TEST_F(Download, AWrongBeginningIsThrownAway) {
  write_file(partial_, std::string(kHalf, 'x'));
  const TestServer server({{"/a", {.body = kBody}}});
  download({server.url("/a")}, target_, options());
  expect_fetched();
}

TEST_F(Download, ACompletePartialFileIsTakenWithoutFetching) {
  write_file(partial_, kBody);
  const TestServer server({{"/a", {.body = kBody}}});
  download({server.url("/a")}, target_, options());
  expect_fetched();
}

TEST_F(Download, AStalledServerIsLeftForTheNextAndItsBytesAreKept) {
  const TestServer stalled({{"/a", {.body = kBody, .stop_after = kHalf, .stall = true}}}),
      good({{"/a", {.body = kBody}}});
  TestServer& to_set = const_cast<TestServer&>(stalled);
  DownloadOptions once = options();
  once.progress = [&](int64_t done, int64_t) {
    if (done > 0) to_set.set("/a", {.body = {}, .status = 503});
  };
  download({stalled.url("/a"), good.url("/a")}, target_, once);
  expect_fetched();
  EXPECT_EQ(good.requests(), std::vector<std::string>{concat("/a from ", kHalf)});
}

TEST_F(Download, FailureNamesEveryMirrorAndTheRemedyAndKeepsWhatCame) {
  const TestServer server({{"/cut", {.body = kBody, .stop_after = kHalf, .ranges = false}}});
  const std::string text = error_text([&] { download({server.url("/cut"), server.url("/none")}, target_, options()); });
  EXPECT_TRUE(has(text, server.url("/cut")) && has(text, server.url("/none")) && has(text, "404")) << text;
  EXPECT_TRUE(has(text, "give the same command again")) << text;
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_EQ(read_file(partial_), kBody.substr(0, kHalf));
}

TEST_F(Download, WrongBytesFromEveryMirrorLeaveNothing) {
  const TestServer server({{"/short", {.body = kBody.substr(1)}}});
  EXPECT_TRUE(has(error_text([&] { download({server.url("/short")}, target_, options()); }), "wrong bytes"));
  EXPECT_TRUE(fs::is_empty(scratch_.path()));
}

TEST_F(Download, AFullDiskIsSaidAndNothingIsPutInPlace) {
  fs::create_symlink("/dev/full", partial_);  // takes no byte: "no space left on device"
  const TestServer server({{"/a", {.body = kBody}}});
  const std::string text = error_text([&] { download({server.url("/a"), server.url("/a")}, target_, options()); });
  EXPECT_TRUE(has(text, "No space left") && has(text, "free some space")) << text;
  EXPECT_EQ(server.requests().size(), 1u) << "another mirror does not help a full disk";
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Download, AnInterruptKeepsWhatCame) {
  const TestServer server({{"/a", {.body = kBody, .stop_after = kHalf, .stall = true}}});
  DownloadOptions stopping = options();
  stopping.stall_s = 30;
  stopping.progress = [](int64_t done, int64_t) {
    if (done > 0) pretend_interrupted(true);
  };
  EXPECT_THROW(download({server.url("/a")}, target_, stopping), Interrupted);
  pretend_interrupted(false);
  EXPECT_GT(fs::file_size(partial_), 0u);
}

}  // namespace
}  // namespace sextant
