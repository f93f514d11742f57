"""`python -m tenlyr.cli` is `tenlyr`."""

from tenlyr.cli import main

if __name__ == "__main__":
    main()
