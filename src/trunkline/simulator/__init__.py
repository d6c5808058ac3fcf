"""Wire-accurate fake providers with faults: a part of the product that knows no gateway code."""

from trunkline.simulator.ledger import SeenAttempt
from trunkline.simulator.prices import PRICES, ListPrice
from trunkline.simulator.server import Simulator

__all__ = ["PRICES", "ListPrice", "SeenAttempt", "Simulator"]
