"""What stands behind every candidate: fast, the same for all, and never the product itself."""
