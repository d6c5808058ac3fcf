"""Which targets a request may go to: pure functions of the snapshot."""
