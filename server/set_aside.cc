#include "server/set_aside.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "chat21/history.h"
#include "chat21/sqlite.h"

namespace chat21::server {
namespace {

Error cannot_write() {
  return fail(Error::Code::Unavailable,
              "cannot write the list: " + std::generic_category().message(errno));
}

}  // namespace

Result<> print_set_aside(const std::filesystem::path& store, std::FILE* out) {
  const auto history = open_sqlite_history({.path = store});
  if (!history) {
    return history.error();
  }
  std::string from;
  do {
    auto listing = (*history)->set_aside({.from = from});
    if (!listing) {
      return listing.error();
    }
    for (std::string& line : listing->documents) {
      line += '\n';
      if (std::fwrite(line.data(), 1, line.size(), out) != line.size()) {
        return cannot_write();
      }
    }
    from = std::move(listing->next);
  } while (!from.empty());
  return std::fflush(out) == 0 ? Result<>() : cannot_write();
}

}  // namespace chat21::server
