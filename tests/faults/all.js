// The faults of each engine; see lib/campaign.js for what one is.
'use strict';

const kFiles = {
  rabbitmq: ['rabbitmq_server', 'rabbitmq_broker', 'rabbitmq_network', 'rabbitmq_store'],
  embedded: ['embedded_processes', 'embedded_network', 'embedded_store'],
};
const kModes = {
  rabbitmq: [undefined],
  embedded: ['strict', 'group'],
};

const faultsOf = (engine) => kFiles[engine].flatMap((file) => require(`./${file}`));
const modesOf = (engine, fault) => fault.modes ?? kModes[engine];

module.exports = { faultsOf, modesOf };
