"""The benchmark: Trunkline beside nginx and the known gateways, on one core each."""
