#include <string>
#include <vector>

#include "chat21/topic.h"

#include "lib/mosquitto/options.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/mosquitto/targets.h"

namespace chat21::tests {

void fuzz_options(std::string_view input) {
  std::vector<mosquitto::OptionLine> lines;
  std::string_view key;
  for (std::string_view item : split(input, kBetweenItems)) {
    const std::string_view name = take_until(item, ' ');
    if (name == "jwt_key_file") continue;  // it would open any file, also one that never ends
    if (name == "jwt_key") key = item;
    lines.push_back({name, item});
  }
  const auto options = mosquitto::read_options(lines);
  if (!options) {
    const std::string& why = options.error().message;
    promise(options.error().code == Error::Code::InvalidArgument && !why.empty(),
            "a wrong option is named");
    return;
  }
  promise(!options->store.empty() && validate_id("app", options->app).has_value() &&
              options->app != "observer" && !options->tokens.key.empty() &&
              !options->tokens.audience.empty() && options->max_body_bytes > 0 &&
              options->max_body_bytes <= 256U << 20U,
          "options are valid");
  promise(key.empty() || options->tokens.key == key, "a key is the one that is given");
}

}  // namespace chat21::tests
