#include "chat21/arena.h"

#include <algorithm>

namespace chat21 {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10U;
// More than this is given back by clear(): one burst of large bodies must not
// be paid for until the process ends.
constexpr std::size_t kKeptBlocks = 64;

}  // namespace

std::span<char> Arena::allocate(std::size_t size) {
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t block_size = std::max(size, kBlockBytes);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(block_size), block_size});
    used_ = 0;
  }
  char* bytes = blocks_[block_].bytes.get() + used_;
  used_ += size;
  bytes_ += size;
  return {bytes, size};
}

std::string_view Arena::join(std::span<const std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  const std::span<char> bytes = allocate(size);
  char* end = bytes.data();
  for (const std::string_view part : parts) end = std::copy(part.begin(), part.end(), end);
  return {bytes.data(), bytes.size()};
}

std::string_view Arena::join(std::initializer_list<std::string_view> parts) {
  return join(std::span(parts.begin(), parts.size()));
}

void Arena::clear() {
  std::erase_if(blocks_, [](const Block& block) { return block.size > kBlockBytes; });
  if (blocks_.size() > kKeptBlocks) blocks_.resize(kKeptBlocks);
  block_ = 0;
  used_ = 0;
  bytes_ = 0;
}

}  // namespace chat21
