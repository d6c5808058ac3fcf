"""A server's process does not load what only a terminal needs."""

import subprocess
import sys

SERVER = """
import sys
from trunkline.cli.lean import lean_imports
with lean_imports():
    import trunkline.cli.processes, trunkline.app, trunkline.worker
print("rich" in sys.modules, "pygments" in sys.modules)
import rich
print("rich" in sys.modules)
"""


def test_rich_stays_away_and_can_be_imported_afterwards() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SERVER], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == ["False", "False", "True"]
