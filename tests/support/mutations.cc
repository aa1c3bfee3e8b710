#include "tests/support/mutations.h"

namespace chat21::tests {

std::string mutate(std::mt19937_64& random, std::string text, const Mutating& how) {
  const auto below = [&](std::size_t end) { return end == 0 ? 0 : random() % end; };
  for (std::size_t changes = 1 + below(how.changes); changes > 0; --changes) {
    const std::size_t at = below(text.size() + 1);
    switch (random() % 6) {
      case 0:
        text.erase(at, 1 + below(8));
        break;
      case 1:
        text.insert(at, how.tokens[below(how.tokens.size())]);
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 4:
        text.insert(at, text.substr(below(text.size() + 1), 1 + below(how.longest_copy)));
        break;
      default:
        text.insert(at, 1 + below(how.longest_run), text.empty() ? 'x' : text[below(text.size())]);
    }
  }
  return text;
}

}  // namespace chat21::tests
