chat21_test(memory_transport_test LABEL contract
  SOURCES transport_test.cc memory_world.cc
  LIBRARIES chat21observer::testing)

if(CHAT21_BUILD_RABBITMQ)
  find_package(rabbitmq-c CONFIG REQUIRED) # the tests look at the broker without us
  chat21_test(rabbitmq_transport_test LABEL integration
    SOURCES transport_test.cc rabbitmq_world.cc amqp_client.cc tcp_proxy.cc
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq)
endif()
