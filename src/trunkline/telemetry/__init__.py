"""Turns finished requests into log lines, metrics and spans: the adapter of the Observer port."""
