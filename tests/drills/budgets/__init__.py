"""Hard budgets under failover, hedging and restarts: never above them by a nano-dollar."""
