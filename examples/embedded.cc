// An observer inside a program of your own. The README shows this file.
#include <chat21/observer.h>
#include <chat21/rabbitmq.h>
#include <chat21/sqlite.h>
#include <chrono>
#include <iostream>
#include <random>

int give_up(const chat21::Error& error) {
  std::cerr << "embedded: " << error.message << '\n';
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: embedded amqp://user:token@host:5672 chat.db\n";
    return 2;
  }
  auto store = chat21::open_sqlite({.path = argv[2]});
  if (!store) return give_up(store.error());
  auto transport = chat21::make_rabbitmq_transport(
      {.uri = argv[1], .queues = {chat21::messages_queue("tilechat")}});
  if (!transport) return give_up(transport.error());

  chat21::Router router({.seed = std::random_device{}()});
  chat21::Observer observer(
      **transport, **store, router,
      [] {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
      },
      [](const chat21::Event& event) {
        std::cout << chat21::to_string(event.kind) << ' ' << event.routing_key << '\n';
      });
  while (true) {
    const auto processed = observer.run_once(std::chrono::milliseconds(250));
    if (!processed && processed.error().code != chat21::Error::Code::Unavailable) {
      return give_up(processed.error());
    }
  }
}
