// Transport: where deliveries come from and publishes go to.
//
// One Transport belongs to one Observer and is used from its thread only.
#pragma once

#include <chrono>
#include <span>

#include "chat21/delivery.h"
#include "chat21/effects.h"
#include "chat21/result.h"

namespace chat21 {

class Transport {
 public:
  virtual ~Transport() = default;

  // Waits at most `wait` until there is a delivery that is not settled, and
  // returns those that are there, in the order of arrival; none is no error. What
  // an earlier call returned and nobody settled comes first, marked redelivered:
  // whoever cannot finish a batch drops it and calls again.
  // The span is valid until the next receive(), the bytes until settled.
  //
  // Errors: Unavailable: the other side is away. Unsettled deliveries are gone
  // and will be offered again; call receive() again to go on, the Transport
  // reconnects by itself. InvalidArgument: it can never work (a queue exists
  // with other properties): give up.
  virtual Result<std::span<const Delivery>> receive(std::chrono::milliseconds wait) = 0;

  // Returns once the other side has taken responsibility for every publish.
  // After an error some may have been published and some not: drop the batch,
  // its deliveries are offered again.
  virtual Result<> publish(std::span<const Publish> publishes) = 0;

  // The deliveries are done and will not be offered again, unless the connection
  // breaks before the other side has heard of it: that is not waited for. In the
  // order in which they were received; each at most once.
  virtual Result<> settle(std::span<const Settle> settled) = 0;

  // The other side is known to have heard that these are settled: up to this tag, 0 for
  // none, no delivery of the present connection is ever offered again.
  virtual Tag settled_up_to() const = 0;

  // Whether, as of the last receive(), all has been offered again that was out on earlier
  // connections, of this object or of another process, and is not settled. From then on
  // nothing is redelivered that was not received on the present connection.
  virtual bool recovered() const = 0;
};

}  // namespace chat21
