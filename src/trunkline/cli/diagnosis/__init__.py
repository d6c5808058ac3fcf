"""What ``trunkline doctor`` looks at, one module for each concern."""
