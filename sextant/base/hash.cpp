#include "sextant/base/hash.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "sextant/base/check.h"

namespace sextant {
namespace {

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    SEXTANT_CHECK(context_ && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1,
                  "[hash] OpenSSL offers no such digest");
  }
  void update(const void* bytes, size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

std::string digest_hex(const EVP_MD* kind, std::string_view bytes) {
  Digest digest(kind);
  digest.update(bytes.data(), bytes.size());
  return digest.hex();
}

std::string digest_file(const EVP_MD* kind, const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  SEXTANT_CHECK(stream, "[hash] can't read ", file.string(), "; is it there, and may you read it?");
  Digest digest(kind);
  std::vector<char> piece(1 << 20);
  while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())), stream.gcount() > 0)
    digest.update(piece.data(), static_cast<size_t>(stream.gcount()));
  SEXTANT_CHECK(!stream.bad(), "[hash] reading ", file.string(), " failed half way");
  return digest.hex();
}

}  // namespace

std::string sha256_hex(std::string_view bytes) { return digest_hex(EVP_sha256(), bytes); }
std::string md5_hex(std::string_view bytes) { return digest_hex(EVP_md5(), bytes); }
std::string sha256_file(const std::filesystem::path& file) { return digest_file(EVP_sha256(), file); }
std::string md5_file(const std::filesystem::path& file) { return digest_file(EVP_md5(), file); }

uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0u);
      entries[i] = crc;
    }
    return entries;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 255u] ^ (crc >> 8);
  return ~crc;
}

}  // namespace sextant
