// Checksums and hashes. SHA-256 and MD5 (only to compare with published sums) through OpenSSL; the rest is ours.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sextant {

// Lower-case hex of the digest of `bytes`.
std::string sha256_hex(std::string_view bytes);
std::string md5_hex(std::string_view bytes);

// Digest of a file, read in pieces. Throws Error when it can't be read.
std::string sha256_file(const std::filesystem::path& file);
std::string md5_file(const std::filesystem::path& file);

// CRC-32C (Castagnoli), as TensorBoard's record format wants it.
uint32_t crc32c(std::string_view bytes);

// FNV-1a: stable on every machine and for ever; names streams of random numbers (tensor/rng.h).
constexpr uint64_t fnv1a(std::string_view text, uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace sextant
