"""``python -m myopoise`` is the command line."""

from myopoise.cli import main

main()
