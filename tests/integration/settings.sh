# shellcheck shell=bash
# shellcheck disable=SC2154  # whoever sources it sets these variables
# What starts the integration tests and the faults: the broker, and the environment they
# read. Source it after scripts/lib.sh, with `work` (where they may write), `port_base` (20
# ports from there are theirs) and `install` set.

readonly kIntegration=$root/tests/integration
broker_mine=no

start_broker() {
  "$broker" stop "$work/broker"  # left by a run that was killed
  rm -rf "$work/broker"
  broker_mine=yes
  "$broker" start "$work/broker" "$port_base"
}

stop_broker() {
  [[ $broker_mine == no ]] || "$broker" stop "$work/broker"
}

export_settings() {
  local token
  export CHAT21_SERVER=$root/build/release/bin/chat21-server
  token=$("$CHAT21_SERVER" token observer) || return 1
  export CHAT21_TEST_AMQP_URI="amqp://observer:$token@127.0.0.1:$port_base"
  export CHAT21_TEST_BROKER_CTL=$broker
  export CHAT21_TEST_BROKER_DIR=$work/broker
  export CHAT21_TEST_RUN_PORT_BASE=$((port_base + 10))
}

# Where what follows finds the engine, and may write.
use_engine() {  # ENGINE
  export CHAT21_TEST_ENGINE=$1
  export CHAT21_TEST_DIR=$work/$1
  case $1 in
    rabbitmq) export CHAT21_TEST_MQTT_PORT=$((port_base + 1)) ;;
    embedded) export CHAT21_TEST_MQTT_PORT=$((port_base + 6)) ;;
  esac
  export CHAT21_TEST_WS_PORT=$((CHAT21_TEST_MQTT_PORT + 1))
}

install_modules() {
  local lock=$kIntegration/package-lock.json have=$kIntegration/node_modules/.package-lock.json
  if [[ -f $have && ! $lock -nt $have ]]; then
    return
  fi
  if [[ $install == no ]]; then
    say "missing: (cd tests/integration && npm ci)"
    return 1
  fi
  (cd "$kIntegration" && npm ci --no-audit --no-fund)
}
