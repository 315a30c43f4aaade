// The suite as its authors publish it.  Which groups run is said by whoever starts it, with `-t`.
import { runConformanceTests } from "@durable-streams/server-conformance-tests"

runConformanceTests({ baseUrl: process.env.CONFORMANCE_TEST_URL })
