"""One module per API format, and the framing of event streams. Pure: no I/O."""
