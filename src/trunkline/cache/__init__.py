"""Answers kept to be given again: the store, in memory or in Redis, and near matches."""
