"""Kong, or what stands in for it, comes from the tests of the Kong plugins, one folder further on."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "kong"))
