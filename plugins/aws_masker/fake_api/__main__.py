"""``python -m aws_masker.fake_api``."""

from aws_masker.fake_api.server import main

main()
