// All tests in one process, one after the other: they share a broker, and the
// queues of the observer belong to the broker.
'use strict';

require('./messages.test.js');
require('./updates.test.js');
require('./addresses.test.js');
require('./rights.test.js');
require('./bad_input.test.js');
require('./rest_client.test.js');
require('./rest_access.test.js');
require('./rest_limits.test.js');
require('./rest_tls.test.js');
require('./openapi.test.js');
require('./crash.test.js');
require('./rest_crash.test.js');
require('./run_script.test.js');
