#include "sextant/train/tensorboard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <tuple>
#include <vector>

#include "sextant/base/check.h"
#include "sextant/base/files.h"
#include "sextant/base/scratch.h"

namespace sextant {
namespace {
namespace fs = std::filesystem;

struct Scalar {
  std::string tag;
  int64_t step;
  float value;
  double wall_time_s;
  bool operator==(const Scalar& o) const {
    return tag == o.tag && step == o.step && std::memcmp(&value, &o.value, 4) == 0 && wall_time_s == o.wall_time_s;
  }
};

// An independent reader: bitwise CRC, memcpy instead of shifts, protobuf fields in any order.
uint32_t slow_crc(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <class T>
T take(const std::string& bytes, size_t at) {
  T value{};
  if (at + sizeof(T) <= bytes.size())
    std::memcpy(&value, bytes.data() + at, sizeof(T));
  else
    ADD_FAILURE() << "cut off at " << at;
  return value;
}

uint64_t take_varint(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0; at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

using Fields = std::vector<std::pair<uint64_t, std::string>>;  // number and payload, varints as 8 bytes
Fields parse(const std::string& message) {
  Fields fields;
  for (size_t at = 0; at < message.size();) {
    const uint64_t key = take_varint(message, at);
    if ((key & 7) == 0) {
      const uint64_t value = take_varint(message, at);
      fields.emplace_back(key >> 3, std::string(reinterpret_cast<const char*>(&value), 8));
      continue;
    }
    const size_t size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : take_varint(message, at);
    fields.emplace_back(key >> 3, message.substr(at, size));
    at += size;
  }
  return fields;
}

std::vector<Scalar> read_events(const fs::path& file) {
  const std::string bytes = read_file(file);
  std::vector<Scalar> out;
  for (size_t at = 0, record = 0; at < bytes.size(); ++record) {
    const auto length = take<uint64_t>(bytes, at);
    EXPECT_EQ(take<uint32_t>(bytes, at + 8), slow_crc(bytes.substr(at, 8)));
    const std::string data = bytes.substr(at + 12, length);
    EXPECT_EQ(take<uint32_t>(bytes, at + 12 + length), slow_crc(data));
    at += length + 16;
    Scalar scalar{};
    for (const auto& [field, payload] : parse(data)) {
      if (field == 1) scalar.wall_time_s = take<double>(payload, 0);
      if (field == 2) scalar.step = take<int64_t>(payload, 0);
      EXPECT_TRUE(field != 3 || payload == "brain.Event:2");
      EXPECT_EQ(field == 3, record == 0 && field != 1);
      if (field != 5) continue;
      for (const auto& [inner, text] : parse(parse(payload).at(0).second))
        inner == 1 ? void(scalar.tag = text) : void(scalar.value = take<float>(text, 0));
    }
    if (record > 0) out.push_back(scalar);
  }
  return out;
}

const std::vector<Scalar> kScalars{{"train/loss", 0, 1.5f, 1.7e9},
                                   {"train/loss", 127, -0.0f, 1.7e9 + 0.25},
                                   {"β/\"tag\" <>", 128, std::numeric_limits<float>::infinity(), 3},
                                   {std::string(300, 'x'), 1LL << 40, std::nanf(""), 4},
                                   {"tiny", -1, 1e-42f, 5}};

void write(EventWriter& writer, const std::vector<Scalar>& scalars) {
  for (const Scalar& s : scalars) writer.scalar(s.tag, s.step, static_cast<double>(s.value), s.wall_time_s);
}

TEST(TensorBoard, AnIndependentReaderFindsEveryScalar) {
  const ScratchFolder scratch;
  const fs::path file = scratch.path() / "deep" / "events.out.tfevents.run";
  {
    EventWriter writer(file);
    write(writer, kScalars);
    const int64_t length = writer.flush();
    EXPECT_EQ(length, static_cast<int64_t>(fs::file_size(file)));
  }
  EXPECT_EQ(read_events(file), kScalars);
  EXPECT_EQ(whole_records_end(file), static_cast<int64_t>(fs::file_size(file)));
}

TEST(TensorBoard, ARecordTornAtAnyByteIsCutOffAndWritingGoesOn) {
  const ScratchFolder scratch;
  const fs::path file = scratch.path() / "tfevents", torn = scratch.path() / "torn.tfevents";
  int64_t before = 0;
  {
    EventWriter writer(file);
    write(writer, {kScalars[0], kScalars[1]});
    before = writer.flush();
    write(writer, {kScalars[2]});
  }
  const std::string bytes = read_file(file);
  for (size_t size = static_cast<size_t>(before); size < bytes.size(); ++size) {
    write_file(torn, bytes.substr(0, size));
    ASSERT_EQ(whole_records_end(torn), before) << size;
    { EventWriter(torn).scalar("again", 9, 2, 3); }
    ASSERT_EQ(read_events(torn), (std::vector<Scalar>{kScalars[0], kScalars[1], {"again", 9, 2, 3}})) << size;
  }
}

TEST(TensorBoard, AFlippedBitEndsTheWholeRecords) {
  const ScratchFolder scratch;
  const fs::path file = scratch.path() / "tfevents";
  int64_t before = 0;
  {
    EventWriter writer(file);
    write(writer, {kScalars[1]});
    before = writer.flush();
    write(writer, {kScalars[0]});
  }
  const std::string bytes = read_file(file);
  for (size_t at = static_cast<size_t>(before); at < bytes.size(); ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    write_file(file, bad);
    ASSERT_EQ(whole_records_end(file), before) << at;
  }
}

TEST(TensorBoard, AResumeCutsBackToTheCheckpointAndGivesTheBytesOfAnUnbrokenRun) {
  const ScratchFolder scratch;
  const fs::path whole = scratch.path() / "whole.tfevents", broken = scratch.path() / "broken.tfevents";
  {
    EventWriter writer(whole);
    write(writer, kScalars);
  }
  int64_t checkpoint = 0;
  {
    EventWriter writer(broken);
    write(writer, {kScalars[0], kScalars[1]});
    checkpoint = writer.flush();
    write(writer, {{"lost", 5, 5, 5}, {"lost", 6, 6, 6}});
  }
  {
    EventWriter writer(broken, checkpoint);
    write(writer, {kScalars[2], kScalars[3], kScalars[4]});
  }
  EXPECT_EQ(read_file(broken), read_file(whole));
  // A number within a record keeps only the whole ones before it; 0 starts anew.
  { EventWriter writer(broken, checkpoint - 1); }
  EXPECT_EQ(read_events(broken), (std::vector<Scalar>{kScalars[0]}));
  { EventWriter writer(broken, 0); }
  EXPECT_TRUE(read_events(broken).empty());
}

TEST(TensorBoard, MuchIsWrittenBeforeTheEndAndNothingIsLost) {
  const ScratchFolder scratch;
  const fs::path file = scratch.path() / "tfevents";
  EventWriter writer(file);
  for (int64_t step = 0; step < 3000; ++step) writer.scalar("loss", step, 0.5, 1);
  EXPECT_GT(fs::file_size(file), 65536u);
  writer.flush();
  EXPECT_EQ(read_events(file).size(), 3000u);
}

TEST(TensorBoard, ForeignFilesAndNamesAreRefused) {
  const ScratchFolder scratch;
  EXPECT_THROW(EventWriter(scratch.path() / "log"), Error);
  const fs::path file = scratch.path() / "my.tfevents.notes";
  write_file(file, std::string(100, 'x'));
  EXPECT_THROW(EventWriter{file}, Error);
  EXPECT_EQ(read_file(file), std::string(100, 'x'));
  EXPECT_THROW(EventWriter(file / "below" / "tfevents"), Error);
  EXPECT_EQ(whole_records_end(scratch.path() / "absent"), 0);
}

}  // namespace
}  // namespace sextant
