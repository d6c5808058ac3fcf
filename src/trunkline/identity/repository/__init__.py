"""SQL of organisations, teams, users and keys; one module per noun."""
