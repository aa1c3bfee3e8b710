// A program of somebody else who wants tokens and nothing more of the library.
#include <chat21/token.h>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

int main() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto token = chat21::verify_token("none", {.key = "key", .audience = "rabbitmq"}, now);
  if (token) return 1;
  std::cout << token.error().message << '\n';
  const std::vector<std::string> scopes = {"rabbitmq.read:*/*/a.*"};
  return chat21::Rights(scopes, "rabbitmq").allow(chat21::Permission::Read, "a.b") ? 0 : 1;
}
