chat21_test(memory_transport_test LABEL contract TOGETHER
  SOURCES transport_test.cc connection_test.cc memory_contract_test.cc
  LIBRARIES chat21observer::testing)

if(CHAT21_BUILD_RABBITMQ)
  find_package(rabbitmq-c CONFIG REQUIRED) # the tests look at the broker without us
  chat21_test(rabbitmq_unit_test LABEL unit
    SOURCES queues_test.cc rabbitmq_unit_test.cc
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq)
  set(broker amqp_client.cc broker_node.cc rabbitmq_world.cc tcp_proxy.cc)
  # Some of these stop the broker, so none of them runs beside another.
  chat21_test(rabbitmq_transport_test LABEL integration
    SOURCES transport_test.cc connection_test.cc rabbitmq_contract_test.cc ${broker}
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq
    PROPERTIES RESOURCE_LOCK broker TIMEOUT 120)
  chat21_test(rabbitmq_test LABEL integration
    SOURCES rabbitmq_test.cc broken_broker_test.cc exclusive_queue_test.cc ${broker}
    LIBRARIES chat21observer::rabbitmq rabbitmq::rabbitmq
    PROPERTIES RESOURCE_LOCK broker TIMEOUT 120)
  if(CHAT21_BUILD_SQLITE)
    chat21_test(observer_over_rabbitmq_test LABEL integration
      SOURCES observer_test.cc ${broker}
      LIBRARIES chat21observer::rabbitmq chat21observer::sqlite rabbitmq::rabbitmq
      PROPERTIES RESOURCE_LOCK broker TIMEOUT 120)
  endif()
endif()

if(CHAT21_BUILD_MQTT)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(MOSQUITTO REQUIRED IMPORTED_TARGET libmosquitto)
  chat21_test(mqtt_unit_test LABEL unit
    SOURCES mqtt_unit_test.cc
    LIBRARIES chat21observer::mqtt)
  set(mosquitto mosquitto_broker.cc mqtt_world.cc tcp_proxy.cc
      ${PROJECT_SOURCE_DIR}/tests/integration/mosquitto_client.cc)
  chat21_test(mqtt_transport_test LABEL integration
    SOURCES transport_test.cc mqtt_contract_test.cc ${mosquitto}
    LIBRARIES chat21observer::mqtt PkgConfig::MOSQUITTO
    PROPERTIES RESOURCE_LOCK mosquitto TIMEOUT 120)
  chat21_test(mqtt_test LABEL integration
    SOURCES mqtt_test.cc scripted_broker.cc ${mosquitto}
    LIBRARIES chat21observer::mqtt PkgConfig::MOSQUITTO
    PROPERTIES RESOURCE_LOCK mosquitto TIMEOUT 120)
endif()
