#include "server/broker.h"

namespace chat21::server {

RabbitmqOptions broker_options(const Config& config) {
  RabbitmqOptions options;
  options.uri = config.rabbitmq_uri;
  options.ca_file = config.rabbitmq_ca_file;
  options.verify_peer = config.rabbitmq_verify_peer;
  options.publish_timeout = config.publish_timeout;
  return options;
}

}  // namespace chat21::server
