chat21_test(memory_transport_test LABEL contract
  SOURCES transport_test.cc memory_contract_test.cc
  LIBRARIES chat21observer::testing)

if(CHAT21_BUILD_RABBITMQ)
  find_package(rabbitmq-c CONFIG REQUIRED) # the tests look at the broker without us
  chat21_test(rabbitmq_unit_test LABEL unit
    SOURCES queues_test.cc rabbitmq_unit_test.cc
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq)
  set(broker amqp_client.cc broker_node.cc rabbitmq_world.cc tcp_proxy.cc)
  # Some of these stop the broker, so none of them runs beside another.
  chat21_test(rabbitmq_transport_test LABEL integration
    SOURCES transport_test.cc rabbitmq_contract_test.cc ${broker}
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq
    PROPERTIES RESOURCE_LOCK broker TIMEOUT 120)
  chat21_test(rabbitmq_test LABEL integration
    SOURCES rabbitmq_test.cc broken_broker_test.cc exclusive_queue_test.cc ${broker}
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq
    PROPERTIES RESOURCE_LOCK broker TIMEOUT 120)
endif()
