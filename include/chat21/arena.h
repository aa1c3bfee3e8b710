// Arena: where the bytes of a batch of effects live.
//
// The Router writes routing keys and bodies into it and hands out views; they
// stay valid until clear() or destruction. Blocks are kept by clear(), so a
// steady load allocates nothing. One thread at a time; not copied, not moved,
// because views point into it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace chat21 {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `size` bytes, uninitialised.
  std::span<char> allocate(std::size_t size);

  // The parts, one after the other, as one text.
  std::string_view join(std::initializer_list<std::string_view> parts);
  std::string_view join(std::span<const std::string_view> parts);

  // How many bytes are handed out and not cleared.
  std::size_t bytes() const { return bytes_; }

  void clear();

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // the block being filled
  std::size_t used_ = 0;   // bytes taken of it
  std::size_t bytes_ = 0;
};

}  // namespace chat21
