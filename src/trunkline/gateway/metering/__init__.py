"""Usage, price, cost, and the records of what was used. Pure: no I/O."""
