"""What is measured: how each candidate is installed, configured, started and called."""
