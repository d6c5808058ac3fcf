"""Writes docs/configuration.schema.json, for editors; ``--check`` only compares."""

import json
import sys
from pathlib import Path

from trunkline.configuration.json_schema import configuration_schema

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.schema.json"
COMMAND = "python scripts/build_configuration_schema.py"


def main() -> int:
    """Write the schema, or with ``--check`` say whether it is current."""
    wanted = json.dumps(configuration_schema(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        print(f"docs/configuration.schema.json is not current; run: {COMMAND}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
