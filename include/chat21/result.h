// Result<T>: a value, or the Error that explains why there is none.
//
// Every function of this library that can fail because of the world (broker,
// disk, configuration) returns one. Nothing of ours throws; std::bad_alloc may
// pass. Thread rule: like any value, one object belongs to one thread at a time.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace chat21 {

struct Error {
  // Coarse on purpose: one value per thing a caller does differently.
  enum class Code : std::uint8_t {
    InvalidArgument,  // asking again cannot help: wrong input or configuration
    Unavailable,      // the other side is away or busy: ask again later
    Corrupt,          // stored data is not what we wrote: an operator must look
    Internal,         // a bug of ours
  };
  Code code = Code::Internal;
  std::string message;  // For people, never parsed: what was tried, then why it failed.
};

// How a function returns an error; the one thing makers of a Result call.
inline Error fail(Error::Code code, std::string message) {
  return {code, std::move(message)};
}
inline Error fail(Error error) {
  return error;
}

// The names are those of std::expected: with C++23 this class becomes an alias
// of it and fail() returns std::unexpected. Reading the side that is not there
// is a bug of the caller and asserts.
template <class T = void>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, Error>, "a Result cannot carry an Error as its value");

 public:
  Result(T value)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& operator*() & {
    assert(has_value());
    return std::get<0>(state_);
  }
  const T& operator*() const& {
    assert(has_value());
    return std::get<0>(state_);
  }
  T&& operator*() && {
    assert(has_value());
    return std::move(std::get<0>(state_));
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }
  const Error& error() const {
    assert(!has_value());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error)  // NOLINT(google-explicit-constructor)
      : error_(std::move(error)), ok_(false) {}

  bool has_value() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok_; }
  const Error& error() const {
    assert(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace chat21
