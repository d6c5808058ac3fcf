"""The two PostgreSQL roles that transactions run under."""

APP_ROLE = "trunkline_app"
SYSTEM_ROLE = "trunkline_system"
