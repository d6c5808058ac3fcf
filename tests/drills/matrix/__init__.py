"""The fault matrix: every fault, each kind of answer, and each way in which a route survives."""
