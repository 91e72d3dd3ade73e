"""``python -m aws_masker`` is ``aws-masker``."""

import sys

from aws_masker.cli import main

sys.exit(main())
